"""What went wrong on a day, found with robust statistics of the days before. Numbers in, alerts out; no Spark here.

Every rule compares a day with the same unit's (and product's) own past, so that no limit has to be set by hand: a small
unit's noise is not a big one's. The limits are probabilities, chosen so that a chain of fifty units without any trouble
has about one false alarm in two weeks (README: measured).
"""

from collections import namedtuple

import numpy as np
from scipy import stats

from texto import dia, inteiro, numero, percentual, plural, reais

SEVERIDADES = ("critica", "alta", "media", "baixa")
SEMANA = 7

#: Same weekdays that a day's revenue is compared with, and how many of them must be known.
DIAS_IGUAIS, MINIMO_DIAS_IGUAIS = 8, 4
#: Robust deviations from the median that are an alert, and that are a grave one.
DESVIOS, DESVIOS_GRAVES = 4.0, 8.0
#: Days of history of proportions, and below which probability a day's proportion is an alert.
DIAS_PROPORCAO, IMPROVAVEL = 56, 2e-4
#: The same for a run of days without a sale. After ``ESQUECIDO`` days the product is taken for discontinued.
PARADA_IMPROVAVEL, ESQUECIDO = 2e-5, 28
#: Prices: days that must be known, and how far outside the usual range is an alert (share of the median).
MINIMO_PRECOS, FOLGA_PRECO = 5, 0.25
#: Hours after which files count as late, whatever is usual.
ATRASO_HORAS = 12.0

_MAD = 1.4826

#: ``severidade`` is one of SEVERIDADES; ``peso`` orders alerts of the same severity, greatest first.
Alerta = namedtuple("Alerta", "severidade tipo id_unidade filial id_produto produto titulo evidencia acao peso")


def alerta(severidade, tipo, unidade, titulo, evidencia, acao, produto=(None, None), peso=0.0):
    return Alerta(severidade, tipo, unidade[0], unidade[1], produto[0], produto[1], titulo, evidencia, acao, float(peso))


def ordenar(alertas):
    """Most severe first; then the weightiest."""
    return sorted(alertas, key=lambda a: (SEVERIDADES.index(a.severidade), -a.peso, a.tipo, a.id_unidade or 0, a.id_produto or 0))


# --- units ------------------------------------------------------------------------------------------------------


def envios(data, unidades, enviou):
    """Units that did not report. ``enviou``: unit to booleans, one per day of the window, the day itself last."""
    ausentes = [u for u in unidades if not enviou[u[0]][-1]]
    conhecidas = [u for u in unidades if enviou[u[0]][:-1].any()]
    if unidades and len(ausentes) == len(unidades):
        return [
            alerta(
                "critica", "nenhuma_unidade_enviou", (None, None), "Nenhuma unidade enviou as vendas de {}".format(dia(data)),
                "0 de {} enviaram; {} enviaram nos dias anteriores".format(
                    plural(len(unidades), "unidade", "unidades"), len(conhecidas)
                ),
                "Verificar a transferência dos arquivos para o lago antes de cobrar as unidades.", peso=len(unidades),
            )
        ]  # fmt: skip
    alertas = []
    for unidade in ausentes:
        antes = enviou[unidade[0]][:-1]
        if not antes.any():
            alertas.append(
                alerta(
                    "baixa", "unidade_sem_historia", unidade, "{} ainda não enviou vendas".format(unidade[1]),
                    "nenhum arquivo nos últimos {} dias".format(len(antes) + 1),
                    "Confirmar se a unidade já abriu; se fechou, retirá-la da tabela de unidades.",
                )
            )  # fmt: skip
            continue
        seguidos = 1 + int(np.argmax(antes[::-1]))
        recentes = antes[-28:]
        # Days before the unit's first report say nothing about its habits.
        recentes = recentes[-min(len(recentes), len(antes) - int(np.argmax(antes))) :]
        habito = recentes.mean()
        severidade = "critica" if seguidos > 1 and habito >= 0.5 else "alta" if habito >= 0.5 else "media"
        alertas.append(
            alerta(
                severidade, "unidade_nao_enviou", unidade, "{} não enviou as vendas de {}".format(unidade[1], dia(data)),
                "{} sem enviar; enviou em {} dos {} dias anteriores".format(
                    plural(seguidos, "dia", "dias seguidos"), int(recentes.sum()), len(recentes)
                ),
                "Pedir à unidade PEDIDO.csv e ITEM_PEDIDO.csv do dia; os números de hoje não a incluem.", peso=seguidos,
            )
        )  # fmt: skip
    return alertas


def desvio_receita(receita):
    """How far the last day's revenue is from the same weekdays before: (robust deviations, median, days) or None.

    On square roots, where a shop's revenue varies about as much on strong days as on weak ones. The scale is that of the
    same weekdays, but not less than what all weekdays vary around their own medians (eight values alone would
    often seem steadier than they are), and not less than 3 % of the median.
    """
    raiz = np.sqrt(np.asarray(receita, dtype=float))
    if np.isnan(raiz[-1]):
        return None
    iguais = raiz[-1 - SEMANA :: -SEMANA][:DIAS_IGUAIS]
    iguais = iguais[~np.isnan(iguais)]
    if len(iguais) < MINIMO_DIAS_IGUAIS:
        return None
    mediana = float(np.median(iguais))
    restos = []
    for d in range(1, SEMANA + 1):
        grupo = raiz[-1 - d :: -SEMANA][:DIAS_IGUAIS]
        grupo = grupo[~np.isnan(grupo)]
        if len(grupo) >= MINIMO_DIAS_IGUAIS:
            # A median of few values lies nearer to them than the truth does.
            restos += list((grupo - np.median(grupo)) * np.sqrt(len(grupo) / (len(grupo) - 1.0)))
    comum = _MAD * float(np.median(np.abs(restos)))
    escala = max(_MAD * float(np.median(np.abs(iguais - mediana))), comum, 0.03 * mediana, 1e-9)
    return (float(raiz[-1]) - mediana) / escala, mediana**2, len(iguais)


def receitas(data, unidades, receita):
    """Units whose revenue is far from that of the same weekdays. ``receita``: unit to values, NaN where not reported."""
    alertas = []
    for unidade in unidades:
        medida = desvio_receita(receita[unidade[0]])
        if medida is None or abs(medida[0]) < DESVIOS:
            continue
        desvio, mediana, dias = medida
        hoje = float(receita[unidade[0]][-1])
        queda = desvio < 0
        diferenca = (hoje - mediana) / mediana if mediana else None
        severidade = ("critica" if hoje == 0 or desvio < -DESVIOS_GRAVES else "alta") if queda else "media"
        alertas.append(
            alerta(
                severidade, "receita_baixa" if queda else "receita_alta", unidade,
                "Receita de {} muito {} em {}".format(unidade[1], "baixa" if queda else "alta", dia(data)),
                "{} contra mediana de {} em {} dias iguais da semana{}; {} desvios robustos".format(
                    reais(hoje), reais(mediana), dias,
                    "" if diferenca is None else " ({}{})".format("+" if diferenca > 0 else "", percentual(diferenca)),
                    numero(desvio),
                ),
                "Conferir com a unidade se o arquivo está completo e se a loja abriu normalmente." if queda
                else "Conferir pedidos repetidos e preços; se for venda real, rever o estoque.",
                peso=abs(hoje - mediana),
            )
        )  # fmt: skip
    return alertas


def proporcao_improvavel(feitos, total, geral=None):
    """P(at least so many on the last day), given the days before: (probability, usual share) or None.

    Beta-binomial: a share that varies from day to day. ``geral`` is the chain's share, which stands in for the history that
    a new unit does not have (worth 20 orders). None if the day has no orders or nothing is known.
    """
    k, n = np.asarray(feitos, dtype=float), np.asarray(total, dtype=float)
    antes_k, antes_n = k[:-1][-DIAS_PROPORCAO:], n[:-1][-DIAS_PROPORCAO:]
    ha = antes_n > 0
    antes_k, antes_n = antes_k[ha], antes_n[ha]
    if not n[-1] > 0 or (geral is None and antes_n.sum() < 50):
        return None
    extra = 20.0 if geral is not None else 0.0
    p = (antes_k.sum() + extra * (geral or 0) + 0.5) / (antes_n.sum() + extra + 1)
    pares = (antes_n * (antes_n - 1)).sum()
    excesso = ((antes_k - antes_n * p) ** 2).sum() - (antes_n * p * (1 - p)).sum()
    rho = float(np.clip(excesso / (pares * p * (1 - p)) if pares > 0 else 0.02, 0.005, 0.5))
    a, b = p * (1 / rho - 1), (1 - p) * (1 / rho - 1)
    return float(stats.betabinom.sf(k[-1] - 1, n[-1], a, b)), float(p)


def cancelamentos(data, unidades, cancelados, pedidos):
    """Units with improbably many cancelled orders. Both arguments: unit to counts per day."""
    # The chain's own share without this day, so that a bad day does not excuse itself.
    total = sum(np.nansum(p[:-1][-DIAS_PROPORCAO:]) for p in pedidos.values())
    geral = sum(np.nansum(c[:-1][-DIAS_PROPORCAO:]) for c in cancelados.values()) / total if total >= 50 else None
    alertas = []
    for unidade in unidades:
        c, p = np.nan_to_num(cancelados[unidade[0]]), np.nan_to_num(pedidos[unidade[0]])
        medida = proporcao_improvavel(c, p, geral)
        if medida is None or c[-1] < 3 or medida[0] >= IMPROVAVEL:
            continue
        alertas.append(
            alerta(
                "alta" if c[-1] / p[-1] >= 0.3 else "media", "cancelamentos", unidade,
                "Cancelamentos fora do comum em {}".format(unidade[1]),
                "{} de {} pedidos cancelados ({}); o normal da unidade é {}; chance de tantos: {}".format(
                    inteiro(c[-1]), inteiro(p[-1]), percentual(c[-1] / p[-1]), percentual(medida[1]), _chance(medida[0])
                ),
                "Perguntar à unidade o motivo: falta de produto, entrega ou sistema de pagamento.", peso=c[-1],
            )
        )  # fmt: skip
    return alertas


# --- products ---------------------------------------------------------------------------------------------------


def parada(valores):
    """The run of days without a sale that ends a series: (days, probability under its own rate, sold a day, share of
    days with a sale), or None if there is none or too little is known.

    The rate is the share of days with a sale before the run, by weekday, drawn towards that of all days. Days without
    a report say nothing. ``valores``: pieces per day, NaN without report.
    """
    valores = np.asarray(valores, dtype=float)
    if np.isnan(valores[-1]) or valores[-1] > 0 or not (valores > 0).any():
        return None
    ultima = int(np.nonzero(valores > 0)[0][-1])
    vendia = valores[: ultima + 1] > 0
    visto = ~np.isnan(valores[: ultima + 1])
    if vendia.sum() < 10 or visto.sum() < MINIMO_DIAS_IGUAIS * SEMANA:
        return None
    geral = (vendia.sum() + 0.5) / (visto.sum() + 1.0)
    semana = np.arange(len(valores)) % SEMANA
    chance = 0.0
    corrida = [i for i in range(ultima + 1, len(valores)) if not np.isnan(valores[i])]
    for i in corrida:
        igual = semana[: ultima + 1] == semana[i]
        p = (vendia[igual].sum() + 4 * geral) / (visto[igual].sum() + 4)
        chance += np.log1p(-min(p, 0.999))
    return len(corrida), float(np.exp(chance)), float(np.nanmean(valores[: ultima + 1])), float(geral)


def parados(data, itens):
    """Products that stopped selling. ``itens``: dictionaries with unidade, produto (number, name), ``parada`` and ``preco``."""
    alertas = []
    for item in itens:
        if item["parada"] is None:
            continue
        dias, chance, por_dia, frequencia = item["parada"]
        if chance >= PARADA_IMPROVAVEL or dias > ESQUECIDO:
            continue
        perda = por_dia * dias * (item["preco"] or 0)
        alertas.append(
            alerta(
                "alta" if por_dia >= 1 and dias <= 14 else "media", "produto_parou", item["unidade"],
                "{} parou de vender em {}".format(item["produto"][1], item["unidade"][1]),
                "{} sem venda; vendia {} por dia, em {} dos dias; chance disso: {}".format(
                    plural(dias, "dia", "dias"), numero(por_dia), percentual(frequencia), _chance(chance)
                ),
                "Verificar se o produto está em falta ou fora do cardápio da unidade.", item["produto"], perda,
            )
        )  # fmt: skip
    return alertas


def preco_fora(minimos, maximos):
    """Whether the last day's prices leave the usual range: (price, low end, high end, median) or None.

    The range is that of the days before, without those at more than twice or less than half the median (errors of the past
    must not make today's look usual), widened by a quarter of the median or by what prices vary, if that is more.
    """
    minimos, maximos = np.asarray(minimos, dtype=float), np.asarray(maximos, dtype=float)
    if np.isnan(minimos[-1]):
        return None
    baixos, altos = minimos[:-1], maximos[:-1]
    ha = ~np.isnan(baixos)
    baixos, altos = baixos[ha], altos[ha]
    if len(baixos) < MINIMO_PRECOS:
        return None
    meios = (baixos + altos) / 2
    mediana = float(np.median(meios))
    normais = (baixos >= mediana / 2) & (altos <= mediana * 2)
    if mediana <= 0 or normais.sum() < MINIMO_PRECOS:
        return None
    folga = max(FOLGA_PRECO * mediana, 3 * _MAD * float(np.median(np.abs(meios - mediana))))
    baixo, alto = float(baixos[normais].min()) - folga, float(altos[normais].max()) + folga
    baixo = max(baixo, mediana / 5)
    if maximos[-1] > alto:
        return float(maximos[-1]), baixo, alto, mediana
    if minimos[-1] < baixo:
        return float(minimos[-1]), baixo, alto, mediana
    return None


def precos(data, itens):
    """Products whose price is off. ``itens`` as for ``parados``, with ``preco_fora`` and ``vendido`` (pieces that day)."""
    alertas = []
    for item in itens:
        if item["preco_fora"] is None:
            continue
        preco, baixo, alto, mediana = item["preco_fora"]
        vezes = preco / mediana
        alertas.append(
            alerta(
                "alta" if vezes >= 3 or vezes <= 1 / 3 else "media", "preco_fora", item["unidade"],
                "Preço de {} fora do normal em {}".format(item["produto"][1], item["unidade"][1]),
                "vendido a {}; o normal é {} (faixa de {} a {})".format(reais(preco), reais(mediana), reais(baixo), reais(alto)),
                "Conferir o preço no caixa; se foi erro de digitação, pedir o arquivo corrigido.", item["produto"],
                abs(preco - mediana) * item["vendido"],
            )
        )  # fmt: skip
    return alertas


def _chance(p):
    return "menos de 1 em 1 milhão" if p < 1e-6 else "1 em {}".format(inteiro(round(1 / p, -2 if p < 1e-3 else 0)))
