"""The day in one document: its numbers, its alerts and what to order. The notification of the run is made of it."""

from decimal import Decimal

import numpy as np

from texto import percentual

_SEMANA = 7
_VERSAO = 1


def resumir(hoje, historia, avisos, pedidos):
    """What ``alertas/_resumo/data=<D>.json`` holds: money as text, with two decimals; alerts most severe first."""
    finalizados, receita = historia.totais.get((hoje, "Finalizado"), (0, Decimal(0)))
    todos = sum(pedidos_ for (dia, _), (pedidos_, _valor) in historia.totais.items() if dia == hoje)
    return {
        "versao": _VERSAO,
        "data": hoje.isoformat(),
        "numeros": {
            "pedidos": todos,
            "finalizados": finalizados,
            "pendentes": historia.totais.get((hoje, "Pendente"), (0,))[0],
            "cancelados": historia.totais.get((hoje, "Cancelado"), (0,))[0],
            "receita": "{:.2f}".format(receita),
            "ticket_medio": "{:.2f}".format(receita / finalizados) if finalizados else None,
            "unidades": len(historia.unidades),
            "unidades_que_enviaram": sum(1 for n, _ in historia.unidades if historia.enviou[n][-1]),
            "variacao_semana": _variacao(historia),
        },
        "alertas": [
            {
                "severidade": a.severidade,
                "tipo": a.tipo,
                "unidade": a.filial,
                "titulo": a.titulo,
                "evidencia": a.evidencia,
                "acao": a.acao,
            }
            for a in avisos
        ],
        "recomendacoes": [
            {
                "unidade": r["filial"],
                "produto": r["produto"],
                "pedir": r["pedir"],
                "estoque_seguranca": r["estoque_seguranca"],
                "explicacao": r["explicacao"],
            }
            for r in pedidos
            if r["pedir"] > 0
        ],
    }


def _variacao(historia):
    """Revenue against the same weekday of the week before, in percent, of the units that reported both days."""
    hoje = antes = 0.0
    for unidade, _ in historia.unidades:
        receita = historia.receita[unidade]
        if len(receita) > _SEMANA and not np.isnan(receita[-1]) and not np.isnan(receita[-1 - _SEMANA]):
            hoje += receita[-1]
            antes += receita[-1 - _SEMANA]
    return round(100 * (hoje - antes) / antes, 1) if antes else None


def relatorio(resumo, raiz, modelos, erros, tabela_alinhada):
    """What the job found, for the step's log."""
    n = resumo["numeros"]
    partes = [
        "",
        "análise: {}, data {}".format(raiz, resumo["data"]),
        "",
        tabela_alinhada(list(n), [list(n.values())]),
        "",
        "previsões por modelo: {}".format(", ".join("{} {}".format(m, q) for m, q in modelos.most_common()) or "nenhuma"),
    ]
    if erros:
        texto = "erro mediano no teste (WAPE diário): modelo {}, mesmo dia da semana anterior {}"
        partes.append(texto.format(percentual(erros[0]), percentual(erros[1])))
    por_severidade = {}
    for a in resumo["alertas"]:
        por_severidade[a["severidade"]] = por_severidade.get(a["severidade"], 0) + 1
    partes.append("alertas: {}".format(", ".join("{} {}".format(s, q) for s, q in por_severidade.items()) or "nenhum"))
    partes += ["  [{severidade}] {titulo}: {evidencia}".format(**a) for a in resumo["alertas"][:20]]
    if len(resumo["alertas"]) > 20:
        partes.append("  e mais {}".format(len(resumo["alertas"]) - 20))
    return "\n".join(partes)
