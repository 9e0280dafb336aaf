"""One unit's products: the forecast of each, and what its last day says. Runs on the executors, a unit at a time.

A unit's history is a few thousand rows, and fitting takes milliseconds a product, so a group of Spark's is a unit and not
a product: what a group costs beside its work is paid per unit.
"""

import numpy as np
import pandas as pd

from alertas import parada, preco_fora
from previsao import HORIZONTE, prever_serie

#: What ``analisar`` returns, one row per product that the unit sold in the window.
ESQUEMA = (
    "id_unidade int, id_produto int, previsto array<double>, modelo string, medida_erro string, erro_modelo double, "
    "erro_baseline double, dias_de_historia int, dispersao double, dispersao_periodo double, vendido double, "
    "preco double, parada array<double>, preco_fora array<double>"
)
COLUNAS = [coluna.split()[0] for coluna in ESQUEMA.split(", ")]
_DIAS_PRECO = 28


def analisar(id_unidade, quadro, enviou, horizonte=HORIZONTE, periodo=HORIZONTE):
    """``quadro``: id_produto, dia (0 is the first of the window), quantidade, preco_minimo, preco_maximo of the unit.

    ``enviou``: whether the unit reported, per day of the window. On a day with a report but without a row of a product
    none was sold; a product's history begins with its first sale.
    """
    linhas = []
    dias = len(enviou)
    for id_produto, vendas in quadro.groupby("id_produto"):
        onde = vendas["dia"].to_numpy()
        serie = np.where(enviou, 0.0, np.nan)
        serie[onde] = vendas["quantidade"].to_numpy(dtype=float)
        vendeu = np.nonzero(serie > 0)[0]
        if not len(vendeu):
            continue
        serie[: vendeu[0]] = np.nan
        minimos, maximos = np.full(dias, np.nan), np.full(dias, np.nan)
        minimos[onde] = vendas["preco_minimo"].to_numpy(dtype=float)
        maximos[onde] = vendas["preco_maximo"].to_numpy(dtype=float)
        conhecidos = minimos[~np.isnan(minimos)][-_DIAS_PRECO:]
        p = prever_serie(serie, horizonte, periodo)
        linhas.append(
            (int(id_unidade), int(id_produto))
            + ((None,) * 8 if p is None else _previsao(p))
            + (
                0.0 if np.isnan(serie[-1]) else float(serie[-1]),
                float(np.median(conhecidos)) if len(conhecidos) else None,
                _lista(parada(serie)),
                _lista(preco_fora(minimos, maximos)),
            )
        )
    return pd.DataFrame(linhas, columns=COLUNAS)


def _previsao(p):
    return (
        [float(v) for v in p.previsto], p.modelo, p.medida_erro, p.erro_modelo, p.erro_baseline, p.dias_de_historia,
        p.dispersao, p.dispersao_periodo,
    )  # fmt: skip


def _lista(valores):
    return None if valores is None else [float(v) for v in valores]
