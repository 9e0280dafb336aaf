"""Writes a lake's input for N units and M days, with known seasonality and known defects, and the truth beside it.

    python gerar_vendas.py PASTA --unidades 50 --dias 365 [--inicio 2024-01-01] [--semente 1] [--defeitos 0.01]
                           [--defeito latin1=0.05]... [--anomalia tipo=queda,unidade=3,data=2024-05-01]... [--ate D]

``PASTA/dados/silver/csv/`` gets the files as the units send them (``unidade=<id>/data=<D>/``) and head office's tables
(``referencia/``); the files' times are those of their arrival. ``PASTA/verdade.json`` gets the truth: the seasonal
parameters of each unit and product, the units that sent nothing, and for each file its lines and what must become of
them: ``recusadas`` says line number (as in the file, the header is a line) and reason, ``todas`` the reason of a whole
file; every other line must end in silver. ``--ate D`` writes the state that a run for D finds the next morning:
corrections and late files that arrive later are not there yet.

The same arguments give the same bytes. Defects: see ``defeitos.py``; anomalies (for the alerts): ``modelo_vendas.py``.
"""

import argparse
import datetime
import json
import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from defeitos import DA_LINHA, DO_ARQUIVO, ITEM, PEDIDO, TODOS, Linha, estragar
from modelo_vendas import ESTADOS, PAISES, PRODUTOS, STATUS, Unidade

RUAS = ["Rua das Palmeiras", "Av. Beira-Mar Norte", "Rua da Aurora", "Rua Bocaiúva", "Alameda Cabral", "Largo do Carmo"]
OBSERVACOES = ["", "Sem coentro", "Bem passado, sem sal", "Molho à parte", 'Escrever "Parabéns" na caixa', "Sem glúten"]
TAXAS = [500, 750, 990, 1200]
#: Where files with a row's defect may have one of the file too: none that changes how a row is written.
_COM_LINHAS_RUINS = (None, "correcao", "atraso", "cabecalho_outra_caixa")
_CHEGADA = datetime.timedelta(days=1, hours=3)
_DESCONHECIDAS = 900


def gerar(pasta, unidades=5, dias=60, inicio="2024-01-01", semente=1, defeitos=None, anomalias=(), ate=None, volume=1.0):
    """Writes the lake and returns the truth that is also in ``verdade.json``.

    ``defeitos``: a rate per unit and day for every defect, or a dictionary of name and rate. ``anomalias``: dictionaries
    with ``tipo``, ``unidade`` and ``data``. ``unidades``: how many, or their numbers.
    """
    numeros = list(range(1, unidades + 1)) if isinstance(unidades, int) else list(unidades)
    inicio = datetime.date.fromisoformat(str(inicio))
    taxas = dict.fromkeys(TODOS, defeitos or 0.0) if not isinstance(defeitos, dict) else defeitos
    estranhos = set(taxas) - set(TODOS)
    if estranhos:
        raise ValueError("defeitos desconhecidos: {}".format(", ".join(sorted(estranhos))))
    escrita = Escrita(Path(pasta), ate)
    verdade = {
        "parametros": {
            "unidades": numeros, "dias": dias, "inicio": str(inicio), "semente": semente, "volume": volume,
            "defeitos": {nome: taxa for nome, taxa in sorted(taxas.items()) if taxa}, "ate": ate and str(ate),
        },
        "status": dict(STATUS),
        "anomalias": [dict(a, data=str(a["data"])) for a in anomalias],
        "unidades": {}, "ausentes": [], "arquivos": escrita.arquivos,
    }  # fmt: skip
    modelos = []
    for numero in numeros:
        suas = [a for a in anomalias if int(a["unidade"]) == numero]
        unidade = Unidade(numero, inicio, dias, semente, volume, anomalias=suas)
        modelos.append(unidade)
        verdade["unidades"][str(numero)] = unidade.verdade()
        _gerar_unidade(escrita, unidade, taxas, semente, verdade)
    _gerar_referencias(escrita, modelos, inicio)
    Path(pasta, "verdade.json").write_text(json.dumps(verdade, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return verdade


class Escrita:
    """Writes files with the time of their arrival, and notes what must become of their lines."""

    def __init__(self, pasta, ate):
        self.csv = pasta / "dados/silver/csv"
        self.arquivos = {}
        # A run for day D starts the next morning at eight, São Paulo time.
        self._limite = ate and _instante(datetime.date.fromisoformat(str(ate))) + datetime.timedelta(days=1, hours=11)
        self._pastas = set()

    def chegou(self, quando):
        return self._limite is None or quando <= self._limite

    def bytes(self, caminho, conteudo, quando):
        arquivo = self.csv / caminho
        if arquivo.parent not in self._pastas:
            arquivo.parent.mkdir(parents=True, exist_ok=True)
            self._pastas.add(arquivo.parent)
        arquivo.write_bytes(conteudo)
        os.utime(arquivo, (quando.timestamp(), quando.timestamp()))

    def csv_de(self, caminho, cabecalho, linhas, quando, estilo=None, todas=None, defeitos=()):
        """A file of ``Linha``; ``todas`` is the reason that refuses each of them, whatever it says itself."""
        estilo = dict({"bom": False, "fim": "\n", "sep": ",", "cod": "utf-8", "ordem": None}, **(estilo or {}))
        ordem, sep = estilo["ordem"] or range(len(cabecalho)), estilo["sep"]
        textos, recusadas = [sep.join(cabecalho[i] for i in ordem)], {}
        for linha in linhas:
            textos.append(linha.bruta or sep.join([_campo(linha.valores[i], sep) for i in ordem]))
            if linha.motivo and not todas:
                recusadas[str(len(textos))] = linha.motivo
        texto = estilo["fim"].join(textos + [""])
        self.bytes(caminho, (b"\xef\xbb\xbf" if estilo["bom"] else b"") + texto.encode(estilo["cod"]), quando)
        verdade = {"linhas": len(linhas), "recebido_em": quando.strftime("%Y-%m-%dT%H:%M:%SZ")}
        verdade.update(todas={"todas": todas} if todas else {"recusadas": recusadas} if recusadas else {})
        verdade.update(verdade.pop("todas"))
        if defeitos:
            verdade["defeitos"] = sorted(defeitos)
        self.arquivos[caminho] = verdade


def _gerar_unidade(escrita, unidade, taxas, semente, verdade):
    # Defects have a stream of their own: with and without them the sales are the same.
    estilo_sorte = np.random.default_rng([semente, unidade.numero, 104729])
    estilo = {"bom": bool(estilo_sorte.random() < 0.5), "fim": "\r\n" if estilo_sorte.random() < 0.5 else "\n"}
    pedido = 1001
    for n in range(unidade.dias):
        dia = unidade.inicio + datetime.timedelta(n)
        pedidos, itens, pedido = vendas_do_dia(unidade, n, pedido)
        sorte = np.random.default_rng([semente, unidade.numero, 15485863, n])
        do_arquivo = [d for d in DO_ARQUIVO if sorte.random() < taxas.get(d, 0)]
        do_arquivo = do_arquivo[int(sorte.integers(len(do_arquivo)))] if do_arquivo else None
        if do_arquivo not in _COM_LINHAS_RUINS:
            da_linha = []
        else:
            da_linha = [d for d in DA_LINHA if sorte.random() < taxas.get(d, 0)]
        if unidade.calado[n]:
            do_arquivo, da_linha = "nao_enviou", []
        chegada = _instante(dia) + _CHEGADA + datetime.timedelta(minutes=int(sorte.integers(20, 150)))
        Dia(escrita, unidade, dia, chegada, estilo, sorte, verdade).escrever(pedidos, itens, do_arquivo, da_linha)


class Dia:
    """One unit's files of one day, with what is wrong with them."""

    def __init__(self, escrita, unidade, dia, chegada, estilo, sorte, verdade):
        self.escrita, self.unidade, self.dia, self.chegada = escrita, unidade.numero, dia, chegada
        self.estilo, self.sorte, self.verdade = estilo, sorte, verdade

    def escrever(self, pedidos, itens, defeito, da_linha):
        if defeito == "nao_enviou":
            return self.verdade["ausentes"].append([self.unidade, self.dia.isoformat()])
        if defeito == "atraso":
            self.chegada += datetime.timedelta(hours=int(self.sorte.integers(9, 60)))
        if defeito == "correcao":
            antes = [Linha(["Pendente" if i == 7 else v for i, v in enumerate(linha.valores)]) for linha in pedidos]
            self._par(antes[: max(1, len(antes) - 1)], itens, ["antes_da_correcao"], {})
            self.chegada += datetime.timedelta(days=int(self.sorte.integers(1, 6)))
        if not self.escrita.chegou(self.chegada):
            if defeito != "correcao":
                self.verdade["ausentes"].append([self.unidade, self.dia.isoformat()])
            return None
        feitos = [d for d in da_linha if estragar(d, pedidos, itens, self.sorte)]
        opcoes = {} if defeito is None else getattr(self, "_" + defeito, lambda *_: {})(pedidos, itens)
        return self._par(pedidos, itens, feitos + [defeito] * bool(defeito), opcoes or {})

    def _par(self, pedidos, itens, defeitos, opcoes):
        if not self.escrita.chegou(self.chegada):
            return
        for tabela, cabecalho, linhas in (("PEDIDO", PEDIDO, pedidos), ("ITEM_PEDIDO", ITEM, itens)):
            estilo = dict(self.estilo, **opcoes.get("estilo", {}))
            if "ordem" in opcoes:
                estilo["ordem"] = opcoes["ordem"][tabela]
            nomes = opcoes.get("cabecalho", {}).get(tabela, cabecalho)
            self.escrita.csv_de(
                self._caminho(tabela), nomes, [] if opcoes.get("sem_linhas") else linhas, self.chegada, estilo,
                opcoes.get("todas", {}).get(tabela), defeitos,
            )  # fmt: skip
            if opcoes.get("vazio"):
                self.escrita.bytes(self._caminho(tabela), b"", self.chegada)

    def _caminho(self, tabela, unidade=None):
        return "unidade={}/data={}/{}.csv".format(unidade or self.unidade, self.dia, tabela)

    # What each defect of a file changes. The methods are called by its name.

    def _arquivo_vazio(self, pedidos, itens):
        return {"sem_linhas": True, "vazio": True}

    def _so_cabecalho(self, pedidos, itens):
        return {"sem_linhas": True}

    def _latin1(self, pedidos, itens):
        return {"estilo": {"cod": "cp1252", "bom": False}}

    def _cabecalho_outra_ordem(self, pedidos, itens):
        ordens = [[int(i) for i in self.sorte.permutation(len(c))] for c in (PEDIDO, ITEM)]
        return {"ordem": {"PEDIDO": ordens[0], "ITEM_PEDIDO": ordens[1]}}

    def _cabecalho_outra_caixa(self, pedidos, itens):
        mudar = str.upper if self.sorte.random() < 0.5 else lambda nome: nome.lower().replace("_", " ")
        return {"cabecalho": {"PEDIDO": [mudar(c) for c in PEDIDO], "ITEM_PEDIDO": [mudar(c) for c in ITEM]}}

    def _cabecalho_invalido(self, pedidos, itens):
        nomes = ["Valor_Total" if c == "Vlr_Pedido" else c for c in PEDIDO]
        return {
            "cabecalho": {"PEDIDO": nomes},
            "todas": {"PEDIDO": "cabecalho_invalido", "ITEM_PEDIDO": "pedido_em_quarentena"},
        }

    def _item_cabecalho_invalido(self, pedidos, itens):
        nomes = ["Preco_Unitario" if c == "Vlr_Item" else c for c in ITEM]
        return {"cabecalho": {"ITEM_PEDIDO": nomes}, "todas": {"ITEM_PEDIDO": "cabecalho_invalido"}}

    def _ponto_e_virgula(self, pedidos, itens):
        # As a spreadsheet in Brazil saves it.
        for linha in pedidos + itens:
            linha.valores = [v.replace(".", ",") if i in (4, 6) and v[-3:-2] == "." else v for i, v in enumerate(linha.valores)]
        return {"estilo": {"sep": ";"}}

    def _arquivo_repetido(self, pedidos, itens):
        antes = self.chegada - datetime.timedelta(minutes=15)
        for tabela, cabecalho, linhas in (("pedido", PEDIDO, pedidos), ("item_pedido", ITEM, itens)):
            caminho = self._caminho(tabela)
            self.escrita.csv_de(caminho, cabecalho, linhas, antes, self.estilo, "versao_substituida", ["arquivo_repetido"])

    def _unidade_desconhecida(self, pedidos, itens):
        outra = _DESCONHECIDAS + self.unidade
        copias = [Linha([str(outra)] + linha.valores[1:]) for linha in pedidos]
        for tabela, cabecalho, linhas, motivo in (
            ("PEDIDO", PEDIDO, copias, "unidade_desconhecida"),
            ("ITEM_PEDIDO", ITEM, itens, "pedido_em_quarentena"),
        ):
            caminho = self._caminho(tabela, outra)
            self.escrita.csv_de(caminho, cabecalho, linhas, self.chegada, self.estilo, motivo, ["unidade_desconhecida"])


def vendas_do_dia(unidade, n, pedido):
    """The orders and items of a unit's day as ``Linha``, and the next order's number."""
    sorte = unidade.sorte_do_dia(n)
    quantidades, precos = unidade.quantidades(n, sorte), unidade.precos[:, n]
    pecas = []
    for produto in np.nonzero(quantidades)[0]:
        resta = int(quantidades[produto])
        while resta:
            vez = min(resta, 1 + int(sorte.integers(4)))
            pecas.append((int(produto), vez))
            resta -= vez
    dia = (unidade.inicio + datetime.timedelta(n)).isoformat()
    pedidos, itens, onde = [], [], 0
    ordem, tamanhos = sorte.permutation(len(pecas)), 1 + sorte.integers(0, 4, len(pecas))
    acasos = sorte.random((len(pecas), 4))
    pendente, cancelado = STATUS[1][1], unidade.cancela[n]
    while onde < len(pecas):
        online, situacao, rua, obs = acasos[onde]
        taxa = TAXAS[int(rua * 97) % 4] if online < 0.6 else 0
        valor, numero = taxa, str(pedido)
        for k, i in enumerate(ordem[onde : onde + tamanhos[onde]], 1):
            produto, quantos = pecas[i]
            valor += quantos * int(precos[produto])
            nota = OBSERVACOES[int(obs * 997 + k) % 6]
            itens.append(Linha([numero, str(k), str(PRODUTOS[produto][0]), str(quantos), _reais(precos[produto]), nota]))
        status = "Pendente" if situacao < pendente else "Cancelado" if situacao < pendente + cancelado else "Finalizado"
        endereco = "{}, {}, {}".format(RUAS[int(rua * 6)], int(obs * 2000) + 1, unidade.nome[12:]) if taxa else "--"
        tipo = "Loja Online" if taxa else "Loja Física"
        pedidos.append(
            Linha([str(unidade.numero), numero, tipo, dia, _reais(valor), endereco, _reais(taxa), status])
        )
        onde += int(tamanhos[onde])
        pedido += 1
    return pedidos, itens, pedido


def _gerar_referencias(escrita, modelos, inicio):
    quando = _instante(inicio)
    crlf = {"bom": True, "fim": "\r\n"}
    for nome, cabecalho, linhas in (
        ("pais", ["Id_Pais", "Nome_Pais"], PAISES),
        ("estado", ["id_estado", "id_pais", "nome_estado"], ESTADOS),
        ("unidade", ["Id_Unidade", "Nome_Unidade", "Id_Estado"], [(u.numero, u.nome, u.estado) for u in modelos]),
        ("produto", ["Id_Produto", "Nome_Produto"], [p[:2] for p in PRODUTOS]),
    ):
        escrita.csv_de("referencia/{}.csv".format(nome), cabecalho, [Linha(list(map(str, li))) for li in linhas], quando, crlf)


def _campo(texto, sep):
    if sep in texto or '"' in texto or "," in texto or texto == "--":
        return '"' + texto.replace('"', '""') + '"'
    return texto


def _reais(centavos):
    return "{}.{:02d}".format(*divmod(int(centavos), 100))


def _instante(dia):
    return datetime.datetime(dia.year, dia.month, dia.day, tzinfo=datetime.timezone.utc)


def main(argv=None):
    leitor = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    leitor.add_argument("pasta", help="raiz do lago a escrever")
    leitor.add_argument("--unidades", type=int, default=5)
    leitor.add_argument("--dias", type=int, default=60)
    leitor.add_argument("--inicio", default="2024-01-01", metavar="AAAA-MM-DD")
    leitor.add_argument("--semente", type=int, default=1)
    leitor.add_argument("--volume", type=float, default=1.0, help="multiplica as vendas de todas as unidades")
    leitor.add_argument("--defeitos", type=float, default=0.0, help="taxa de cada defeito por unidade e dia")
    leitor.add_argument("--defeito", action="append", default=[], metavar="NOME=TAXA", help=", ".join(TODOS))
    leitor.add_argument("--anomalia", action="append", default=[], metavar="tipo=T,unidade=U,data=D[,produto=P][,dias=N]")
    leitor.add_argument("--ate", metavar="AAAA-MM-DD", help="só o que um processamento desta data encontra")
    o = leitor.parse_args(argv)
    try:
        taxas = dict.fromkeys(TODOS, o.defeitos)
        taxas.update((nome, float(taxa)) for nome, _, taxa in (d.partition("=") for d in o.defeito))
        anomalias = [_anomalia(texto) for texto in o.anomalia]
        verdade = gerar(o.pasta, o.unidades, o.dias, o.inicio, o.semente, taxas, anomalias, o.ate, o.volume)
    except (ValueError, KeyError) as erro:
        leitor.error(str(erro))
    linhas = sum(a["linhas"] for a in verdade["arquivos"].values())
    print("{} arquivos, {} linhas em {}".format(len(verdade["arquivos"]), linhas, o.pasta))


def _anomalia(texto):
    dados = dict(parte.split("=", 1) for parte in texto.split(","))
    numeros = {nome: int(dados[nome]) for nome in ("unidade", "produto", "dias") if nome in dados}
    return dict(dados, **numeros, **({"fator": float(dados["fator"])} if "fator" in dados else {}))


if __name__ == "__main__":
    main()
