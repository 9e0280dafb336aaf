"""How much to order: an order-up-to level from the forecast, at a chosen service level. No Spark here.

A shop that orders every ``revisao`` days and waits ``entrega`` days for the goods must be able to sell from what it orders
now until the next order arrives: ``revisao + entrega`` days. The level is the demand of those days that is exceeded with
probability 1 - ``nivel`` only; what it holds beyond the expected demand is the safety stock. How far demand strays from its
forecast is what the back-test saw (``previsao.dispersao_periodo``).

No source says what a shop has on its shelves, unless head office puts ``referencia/estoque.csv`` there. Without it the
order is the whole level, and the sentence says that the stock at hand is still to be taken off.
"""

import csv
import io
import math
from collections import namedtuple

import previsao
from texto import inteiro, numero, percentual

#: Service level, days between orders, days until an order arrives.
Politica = namedtuple("Politica", "nivel revisao entrega")
PADRAO = Politica(0.95, 7, 2)

_NOMES = {
    previsao.HOLT_WINTERS: "Holt-Winters",
    previsao.SUAVIZACAO: "suavização exponencial",
    previsao.INGENUO: "mesmo dia da semana anterior",
    previsao.MEDIA: "média dos dias conhecidos",
}


def recomendar(itens, politica=PADRAO, estoque=None):
    """Orders for ``itens``: dictionaries with ``id_unidade``, ``filial``, ``id_produto``, ``produto``, ``preco`` and ``previsao``.

    ``estoque``: (unit, product) to pieces at hand, None where no such file exists. A pair that the file does not name
    is unknown, not empty.
    """
    if not itens:
        return []
    periodo = politica.revisao + politica.entrega
    demandas = [float(item["previsao"].previsto[:periodo].sum()) for item in itens]
    dispersoes = [item["previsao"].dispersao_periodo for item in itens]
    alvos = previsao.quantil(demandas, dispersoes, politica.nivel)
    linhas = []
    for item, demanda, dispersao, alvo in zip(itens, demandas, dispersoes, alvos):
        atual = (estoque or {}).get((item["id_unidade"], item["id_produto"]))
        # Never below what is expected: a level below one half would plan to run out.
        alvo = max(int(alvo), math.ceil(demanda - 1e-9))
        pedir = max(0, alvo - (atual or 0))
        linha = {
            "id_unidade": item["id_unidade"],
            "filial": item["filial"],
            "id_produto": item["id_produto"],
            "produto": item["produto"],
            "pedir": pedir,
            "estoque_alvo": alvo,
            "estoque_seguranca": round(alvo - demanda, 2),
            "estoque_atual": atual,
            "demanda_prevista": round(demanda, 2),
            "desvio_previsto": round(math.sqrt(demanda * dispersao), 2),
            "nivel_servico": politica.nivel,
            "revisao_dias": politica.revisao,
            "entrega_dias": politica.entrega,
            "modelo": item["previsao"].modelo,
            "erro_modelo": item["previsao"].erro_modelo,
            "erro_baseline": item["previsao"].erro_baseline,
            "dias_de_historia": item["previsao"].dias_de_historia,
            "preco_mediano": item["preco"],
        }
        linha["explicacao"] = explicar(linha)
        linhas.append(linha)
    return linhas


def explicar(r):
    """One sentence that names everything the number was made of."""
    frase = (
        "Pedir {} de {}: {} previstos para {} dias (pedido a cada {}, entrega em {}), mais {} de estoque de segurança "
        "para um nível de serviço de {}; previsão por {} com {} dias de história"
    ).format(
        inteiro(r["pedir"]),
        r["produto"],
        numero(r["demanda_prevista"]),
        r["revisao_dias"] + r["entrega_dias"],
        _dias(r["revisao_dias"]),
        _dias(r["entrega_dias"]),
        numero(r["estoque_seguranca"]),
        percentual(r["nivel_servico"]),
        _NOMES[r["modelo"]],
        r["dias_de_historia"],
    )
    if r["modelo"] in (previsao.HOLT_WINTERS, previsao.SUAVIZACAO):
        frase += " (erro de {} no teste, contra {} do mesmo dia da semana anterior)".format(
            percentual(r["erro_modelo"]), percentual(r["erro_baseline"])
        )
    elif r["erro_modelo"] is not None:
        frase += " (erro de {} no teste; o modelo, com {}, não foi melhor)".format(
            percentual(r["erro_baseline"]), percentual(r["erro_modelo"])
        )
    else:
        frase += " (poucos para testar um modelo)"
    if r["estoque_atual"] is None:
        return frase + "; sem estoque informado: desconte o que há na loja."
    return frase + "; já descontados {} em estoque.".format(inteiro(r["estoque_atual"]))


def ler_estoque(texto):
    """``Id_Unidade,Id_Produto,Qtd_Estoque`` -> ((unit, product) to pieces, [what was wrong]). The last line of a pair counts."""
    estoque, problemas = {}, []
    linhas = csv.reader(io.StringIO(texto.lstrip("\ufeff")))
    nomes = [nome.strip().lower() for nome in next(linhas, [])]
    esperados = ["id_unidade", "id_produto", "qtd_estoque"]
    if sorted(nomes) != sorted(esperados):
        return {}, ["cabeçalho inesperado: esperado Id_Unidade,Id_Produto,Qtd_Estoque, encontrado {}".format(",".join(nomes))]
    for linha in linhas:
        if not any(campo.strip() for campo in linha):
            continue
        try:
            unidade, produto, quantidade = (int(linha[nomes.index(nome)]) for nome in esperados)
            if quantidade < 0:
                raise ValueError
        except (ValueError, IndexError):
            problemas.append("linha {}: {}".format(linhas.line_num, ",".join(linha)))
            continue
        estoque[unidade, produto] = quantidade
    return estoque, problemas


def _dias(n):
    return "1 dia" if n == 1 else "{} dias".format(n)
