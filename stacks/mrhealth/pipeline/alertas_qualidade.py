"""Alerts about the data itself: refused rows, whole files that could not be used, orders that do not add up, late files."""

import numpy as np

from alertas import ATRASO_HORAS, IMPROVAVEL, alerta, proporcao_improvavel
from texto import inteiro, numero, percentual, plural, reais

_COMO_CORRIGIR = "Ver o motivo em dados/quarentena, corrigir na origem e enviar o arquivo de novo."


def recusas(unidades, dia_atual, arquivos):
    """Rows in quarantine. ``dia_atual``: unit to the day's row of qualidade_unidades; ``arquivos``: rows of qualidade_arquivos."""
    alertas, inteiros, nomes = [], set(), dict(unidades)
    for a in sorted(arquivos, key=lambda a: a["arquivo"]):
        if a["lidas"] and not a["aceitas"] and a["id_unidade"] in nomes:
            inteiros.add(a["id_unidade"])
            unidade = (a["id_unidade"], nomes[a["id_unidade"]])
            alertas.append(
                alerta(
                    "critica" if a["tabela"] == "pedido" else "alta", "arquivo_recusado", unidade,
                    "Nenhuma linha de {} pôde ser aproveitada ({})".format(a["arquivo"].rsplit("/", 1)[-1], unidade[1]),
                    "{} em quarentena de {}".format(plural(a["recusadas"], "linha", "linhas"), a["arquivo"]), _COMO_CORRIGIR,
                    peso=a["recusadas"],
                )
            )  # fmt: skip
    for unidade in unidades:
        q = dia_atual.get(unidade[0])
        if not q or unidade[0] in inteiros:
            continue
        recusadas = q["pedidos_recusados"] + q["itens_recusados"]
        if not recusadas:
            continue
        parte = recusadas / (recusadas + q["pedidos"] + q["itens"])
        alertas.append(
            alerta(
                "alta" if parte >= 0.2 else "media" if parte >= 0.05 else "baixa", "linhas_recusadas", unidade,
                "{} de {} em quarentena".format(plural(recusadas, "linha", "linhas"), unidade[1]),
                "{} e {} recusados: {} das linhas do dia".format(
                    plural(q["pedidos_recusados"], "pedido", "pedidos"), plural(q["itens_recusados"], "item", "itens"),
                    percentual(parte),
                ),
                _COMO_CORRIGIR, peso=recusadas,
            )
        )  # fmt: skip
    # Units that nobody knows are in no table of units: only their files tell of them.
    estranhos = sorted({a["id_unidade"] for a in arquivos if a["id_unidade"] is not None} - set(nomes))
    if estranhos:
        alertas.append(
            alerta(
                "media", "unidade_desconhecida", (None, None), "Arquivos de unidades que a matriz não conhece",
                "pastas de {}: {}".format(plural(len(estranhos), "unidade", "unidades"), ", ".join(map(str, estranhos[:10]))),
                "Cadastrar a unidade na tabela da matriz ou corrigir a pasta de envio.", peso=len(estranhos),
            )
        )  # fmt: skip
    return alertas


def divergencias(unidades, dia_atual, divergentes, pedidos):
    """Units where improbably many orders differ from the sum of their items and fee. Both: unit to counts per day."""
    alertas = []
    for unidade in unidades:
        q = dia_atual.get(unidade[0])
        d, p = np.nan_to_num(divergentes[unidade[0]]), np.nan_to_num(pedidos[unidade[0]])
        if not q or not d[-1]:
            continue
        medida = proporcao_improvavel(d, p)
        if medida is None or medida[0] >= IMPROVAVEL:
            continue
        alertas.append(
            alerta(
                "media", "valores_divergentes", unidade,
                "Pedidos de {} não batem com os seus itens".format(unidade[1]),
                "{} de {} pedidos diferem (normal: {}); diferença total de {}".format(
                    inteiro(d[-1]), inteiro(p[-1]), percentual(medida[1]), reais(q["diferenca"] or 0)
                ),
                "Conferir se ITEM_PEDIDO.csv veio completo e se houve desconto não informado.", peso=abs(float(q["diferenca"] or 0)),
            )
        )  # fmt: skip
    return alertas


def atrasos(unidades, dia_atual, atraso):
    """Units whose files came unusually late. ``atraso``: unit to hours per day, NaN where unknown."""
    alertas = []
    for unidade in unidades:
        horas = np.asarray(atraso[unidade[0]], dtype=float)
        if not dia_atual.get(unidade[0]) or np.isnan(horas[-1]):
            continue
        antes = horas[:-1][~np.isnan(horas[:-1])]
        limite = ATRASO_HORAS
        if len(antes) >= 7:
            mediana = float(np.median(antes))
            limite = max(limite, mediana + 5 * 1.4826 * float(np.median(np.abs(antes - mediana))))
        if horas[-1] <= limite:
            continue
        alertas.append(
            alerta(
                "baixa", "arquivo_atrasado", unidade, "Arquivos de {} chegaram tarde".format(unidade[1]),
                "{} horas depois do fim do dia (limite {})".format(numero(horas[-1]), numero(limite)),
                "Verificar o envio automático da unidade.", peso=horas[-1],
            )
        )  # fmt: skip
    return alertas


def normalizados(unidades, arquivos):
    """One alert for all files that had to be put right: nothing is lost, but the unit's export is not as agreed."""
    # A byte order mark is no fault: half of all programs write one.
    tortos = [
        a for a in arquivos if a["normalizacoes"] and a["id_unidade"] is not None and a.get("detalhe") != "bom=1"
    ]  # fmt: skip
    if not tortos:
        return []
    numeros = sorted({a["id_unidade"] for a in tortos})
    return [
        alerta(
            "baixa", "arquivos_normalizados", (None, None),
            "{} fora do padrão, aproveitados".format(plural(len(tortos), "arquivo", "arquivos")),
            "{}: {}{}".format(
                plural(len(numeros), "unidade", "unidades"), ", ".join(map(str, numeros[:10])), ", ..." * (len(numeros) > 10)
            ),
            "Sem urgência: acertar a exportação (UTF-8, ponto decimal, ordem das colunas).", peso=len(tortos),
        )
    ]  # fmt: skip
