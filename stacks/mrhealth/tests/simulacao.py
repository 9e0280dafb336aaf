"""Histories for the statistics, made of the generator's model without files and without Spark.

``Cadeia`` has the arrays that ``analise.Historia`` makes of gold: per unit a value per day, the last day last.
"""

import datetime
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from gerar_vendas import vendas_do_dia
from modelo_vendas import PRODUTOS, Unidade

INICIO = datetime.date(2024, 1, 1)
NUMEROS = [p[0] for p in PRODUTOS]


class Cadeia:
    """``unidades`` units over ``dias`` days. Arrays by unit; products: [product, day] pieces and prices."""

    def __init__(self, unidades, dias, semente=1, anomalias=(), volume=1.0):
        self.dias = dias
        self.unidades, self.modelos = [], {}
        self.enviou, self.receita, self.pedidos, self.cancelados = {}, {}, {}, {}
        self.quantidade, self.preco = {}, {}
        for numero in range(1, unidades + 1):
            suas = [a for a in anomalias if a["unidade"] == numero]
            unidade = Unidade(numero, INICIO, dias, semente, volume, anomalias=suas)
            self.unidades.append((numero, unidade.nome))
            self.modelos[numero] = unidade
            self.enviou[numero] = ~unidade.calado
            vazio = np.where(unidade.calado, np.nan, 0.0)
            self.receita[numero], self.pedidos[numero], self.cancelados[numero] = vazio.copy(), vazio.copy(), vazio.copy()
            self.quantidade[numero] = np.tile(vazio, (len(PRODUTOS), 1))
            self.preco[numero] = np.full((len(PRODUTOS), dias), np.nan)
            for n in np.nonzero(~unidade.calado)[0]:
                self._somar(numero, unidade, int(n))

    def _somar(self, numero, unidade, n):
        pedidos, itens, _ = vendas_do_dia(unidade, n, 1)
        status = {}
        for linha in pedidos:
            v = linha.valores
            status[v[1]] = v[7]
            self.pedidos[numero][n] += 1
            self.cancelados[numero][n] += v[7] == "Cancelado"
            self.receita[numero][n] += float(v[4]) if v[7] == "Finalizado" else 0
        for linha in itens:
            produto = NUMEROS.index(int(linha.valores[2]))
            self.preco[numero][produto, n] = float(linha.valores[4])
            if status[linha.valores[0]] != "Cancelado":
                self.quantidade[numero][produto, n] += int(linha.valores[3])

    def ate(self, dia, janela=180):
        """The same arrays as they were on a day: (what a rule reads) -> unit to the last ``janela`` days."""
        def cortar(series):
            return {n: s[..., max(0, dia + 1 - janela) : dia + 1] for n, s in series.items()}

        return {nome: cortar(getattr(self, nome)) for nome in ("enviou", "receita", "pedidos", "cancelados", "quantidade", "preco")}

    def data(self, dia):
        return INICIO + datetime.timedelta(dia)
