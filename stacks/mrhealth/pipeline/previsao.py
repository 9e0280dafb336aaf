"""Forecasts of daily series: demand of a product in a unit, revenue of a unit. Numbers in, numbers out; no Spark here.

The model is Holt-Winters' exponential smoothing (statsmodels): a level and a weekly season, both additive; for products
that sell on fewer than half of the days, whose weekdays cannot be told apart, the level alone. There is no trend in it:
in half a year of a shop's sales the level follows well enough, and in the back-test a (damped) trend gained nothing
while it took five times as long. Promotions and holidays are not known to it.

Nothing is believed of the model that it did not show: a back-test makes forecasts from every day of the last weeks, each
with what was known on that day alone (the smoothing parameters come from the days before the first of them). The
same days are forecast by the baseline, the same weekday of the week before. Where the baseline is as good, it is used.

A day on which the unit did not report is no day without sales: its value is NaN, is never counted as an error, and is
bridged by the mean of the four same weekdays before it.
"""

import warnings
from collections import namedtuple

import numpy as np
from scipy import stats
from statsmodels.tsa.holtwinters import ExponentialSmoothing, SimpleExpSmoothing

#: Days of history that are read, whatever there is: the cost of a run does not grow with the years.
JANELA = 180
HORIZONTE = 7
SEMANA = 7
#: Probability that a day's value falls within [inferior, superior].
INTERVALO = 0.95

#: The names in ``modelo``.
HOLT_WINTERS, SUAVIZACAO, INGENUO, MEDIA = "holt_winters", "suavizacao_simples", "ingenuo_sazonal", "media"
#: Days with reports that a forecast by weekday, and one by a model with a back-test, need.
MINIMO_SEMANAL, MINIMO_MODELO = 14, 42
#: Silent for so long, a unit is taken for closed, and gets no forecast.
LIMITE_SILENCIO = 28
#: A product that sells on fewer days than this share is intermittent.
_FREQUENTE = 0.5
#: The least observed forecasts that a back-test is judged by.
_MINIMO_TESTE = 14

#: ``previsto``: expected values of the horizon. ``dispersao``: variance / mean of one day's error; ``dispersao_periodo``:
#: the same of the sum over the protection period. Errors are None where there was no back-test.
Previsao = namedtuple(
    "Previsao", "previsto modelo medida_erro erro_modelo erro_baseline dias_de_historia dispersao dispersao_periodo"
)


def prever_serie(valores, horizonte=HORIZONTE, periodo=HORIZONTE, contagem=True):
    """Forecasts the days after the last of ``valores`` (one per day, NaN where nothing is known).

    ``periodo``: the days whose sum the stock must cover. ``contagem``: the values are pieces, so that chance alone
    makes them vary as Poisson's do. None if nothing is known, or nothing in ``LIMITE_SILENCIO`` days.
    """
    valores = np.asarray(valores, dtype=float)
    conhecidos = ~np.isnan(valores)
    if not conhecidos.any() or not conhecidos[-LIMITE_SILENCIO:].any():
        return None
    # What was before the first day that is known is not history.
    valores = valores[int(np.argmax(conhecidos)) :]
    historia = int(np.count_nonzero(~np.isnan(valores)))
    minima = 1.0 if contagem else 0.0
    if historia < MINIMO_SEMANAL or len(valores) < MINIMO_SEMANAL:
        return _media(valores, max(horizonte, periodo), historia, minima)

    cheia, longe = preencher(valores), max(horizonte, periodo)
    intermitente = np.nanmean(valores > 0) < _FREQUENTE
    origens = _origens(len(valores), historia)
    ingenuo = _teste(valores, origens, lambda o, h: cheia[o - (SEMANA - 1) + (h - 1) % SEMANA], periodo, intermitente)
    suave = None
    if historia >= MINIMO_MODELO:
        suave = suavizar(cheia, origens[0] + 1, intermitente)
    modelo = _teste(valores, origens, suave, periodo, intermitente) if suave else None
    usa_modelo = bool(modelo and ingenuo and modelo["observados"] >= _MINIMO_TESTE and modelo["erro"] < ingenuo["erro"])
    fim, passos = np.array([len(valores) - 1]), np.arange(1, longe + 1)
    if usa_modelo:
        previsto = np.maximum(suave(fim[:, None], passos[None, :])[0], 0)
    else:
        previsto = cheia[len(valores) - SEMANA + (passos - 1) % SEMANA]
    escolhido = (modelo if usa_modelo else ingenuo) or {"dispersao": np.nan, "dispersao_periodo": np.nan}
    proprio = _dispersao_propria(valores, minima)
    dispersao = [escolhido[n] if np.isfinite(escolhido[n]) else proprio for n in ("dispersao", "dispersao_periodo")]
    return Previsao(
        previsto,
        (SUAVIZACAO if intermitente else HOLT_WINTERS) if usa_modelo else INGENUO,
        "wape_semanal" if intermitente else "wape_diario",
        modelo["erro"] if modelo else None,
        ingenuo["erro"] if ingenuo else None,
        historia,
        max(dispersao[0], minima),
        max(dispersao[1], minima),
    )


def preencher(valores):
    """Bridges NaN by the mean of the four same weekdays before (bridged ones too); at the start, of those after."""
    cheia = np.array(valores, dtype=float)
    geral = float(np.nanmean(cheia))
    for i in np.nonzero(np.isnan(cheia))[0]:
        antes = cheia[i % SEMANA : i : SEMANA][-4:]
        depois = cheia[i + SEMANA :: SEMANA]
        depois = depois[~np.isnan(depois)][:4]
        cheia[i] = antes.mean() if len(antes) else depois.mean() if len(depois) else geral
    return cheia


def suavizar(cheia, treino, intermitente):
    """Fits the model on the first ``treino`` days; returns (origins, steps ahead) -> forecasts, for origins from there on.

    Smoothing the whole series with these parameters leaves the states of every day, and each of them depends on
    earlier days alone: one pass gives the forecasts of all origins. None when the fit fails.
    """
    inicio = cheia[: min(treino, 8 * SEMANA)]
    nivel = float(inicio.mean())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if intermitente:
                conhecido = {"initialization_method": "known", "initial_level": nivel}
                alfa = SimpleExpSmoothing(cheia[:treino], **conhecido).fit().params["smoothing_level"]
                alfa = float(np.clip(alfa, 0.01, 0.5))
                ajuste = SimpleExpSmoothing(cheia, **conhecido).fit(smoothing_level=alfa, optimized=False)
                niveis, estacao = np.asarray(ajuste.level), np.zeros(len(cheia))
            else:
                conhecido = {
                    "seasonal": "add",
                    "seasonal_periods": SEMANA,
                    "initialization_method": "known",
                    "initial_level": nivel,
                    "initial_seasonal": [float(inicio[d::SEMANA].mean()) - nivel for d in range(SEMANA)],
                }
                p = ExponentialSmoothing(cheia[:treino], **conhecido).fit(use_brute=False).params
                ajuste = ExponentialSmoothing(cheia, **conhecido).fit(
                    smoothing_level=p["smoothing_level"], smoothing_seasonal=p["smoothing_seasonal"], optimized=False
                )
                niveis, estacao = np.asarray(ajuste.level), np.asarray(ajuste.season)
    except (ValueError, np.linalg.LinAlgError, FloatingPointError):
        return None
    if not np.isfinite(niveis).all() or not np.isfinite(estacao).all():
        return None
    return lambda o, h: np.maximum(niveis[o] + estacao[o - (SEMANA - 1) + (h - 1) % SEMANA], 0)


def _origens(dias, historia):
    """The days from which the back-test forecasts: the last ones whose whole horizon is known, a third of the history."""
    quantas = 56 if historia >= 140 else 28 if historia >= 70 else 14 if historia >= MINIMO_MODELO else 1
    ultima = dias - 1 - SEMANA
    return np.arange(max(SEMANA - 1, ultima - quantas + 1), ultima + 1)


def _teste(valores, origens, prever, periodo, intermitente):
    """Errors of the forecasts from every origin. None without a single observed one.

    The error is the sum of absolute errors over the sum of what was sold: of days, or of whole weeks where sales are
    intermittent (on which day of the week a rare piece goes nobody can forecast).
    """
    passos = np.arange(1, SEMANA + 1)
    real = valores[origens[:, None] + passos[None, :]]
    visto = ~np.isnan(real)
    if not visto.any():
        return None
    previsto = prever(origens[:, None], passos[None, :])
    erros = np.where(visto, previsto - real, 0.0)
    vendido = np.where(visto, real, 0.0)
    absoluto = np.abs(erros.sum(axis=1)).sum() if intermitente else np.abs(erros).sum()
    # Without a sale in these weeks the error is measured against what the series sold before.
    escala = vendido.sum() or np.nanmean(valores) * visto.sum()
    esperado = np.where(visto, previsto, 0.0).sum()
    # The mean of forecasts and sales: a forecast of zero must not make any error infinitely surprising.
    base = (esperado + vendido.sum()) / 2
    return {
        "erro": float(absoluto / escala) if escala > 0 else 0.0,
        "observados": int(visto.sum()),
        "dispersao": float((erros**2).sum() / base) if base > 0 else np.nan,
        "dispersao_periodo": _dispersao_do_periodo(valores, origens, prever, periodo),
    }


def _dispersao_do_periodo(valores, origens, prever, periodo):
    """Variance over mean of the error of a period's sum; errors of a period's days may go the same way.

    A few weeks hold few periods that do not overlap, so this is blended with what independent days would give.
    """
    passos = np.arange(1, periodo + 1)
    origens = origens[origens + periodo < len(valores)]
    if not len(origens):
        return np.nan
    real = valores[origens[:, None] + passos[None, :]]
    visto = ~np.isnan(real)
    previsto = np.where(visto, prever(origens[:, None], passos[None, :]), 0.0)
    real = np.where(visto, real, 0.0)
    base = (previsto.sum() + real.sum()) / 2
    if base <= 0:
        return np.nan
    somas = ((previsto - real).sum(axis=1) ** 2).sum() / base
    dias = ((previsto - real) ** 2).sum() / base
    independentes = (len(origens) + periodo - 1) / periodo
    return float((independentes * max(somas, dias) + 3 * dias) / (independentes + 3))


def _dispersao_propria(valores, minima):
    """Without a back-test: how much the values themselves vary, and that their mean is only estimated."""
    conhecidos = valores[~np.isnan(valores)]
    media = conhecidos.mean()
    if media <= 0:
        return max(minima, 1.0)
    variancia = conhecidos.var(ddof=1) if len(conhecidos) > 1 else media**2
    return max(minima, float(variancia / media)) * (1 + 1 / len(conhecidos))


def _media(valores, longe, historia, minima):
    """Too few days to tell weekdays apart: their mean, and no claim about its error."""
    dispersao = _dispersao_propria(valores, minima)
    # The error of the mean itself is the same on every day of a period, so it does not even out.
    do_periodo = dispersao * (1 + longe / historia)
    previsto = np.full(longe, np.nanmean(valores))
    return Previsao(previsto, MEDIA, None, None, None, historia, dispersao, do_periodo)


# --- distributions -----------------------------------------------------------------------------------------------


def quantil(media, dispersao, probabilidade, contagem=True):
    """Quantiles of a demand with that mean and variance/mean: negative binomial (Poisson at 1), gamma for money."""
    media, dispersao, probabilidade = np.broadcast_arrays(
        *(np.asarray(v, dtype=float) for v in (media, dispersao, probabilidade))
    )
    saida = np.zeros(media.shape)
    positiva = media > 1e-9
    if not contagem:
        certa = dispersao <= 1e-9
        vaga = positiva & ~certa
        saida[vaga] = stats.gamma.ppf(probabilidade[vaga], media[vaga] / dispersao[vaga], scale=dispersao[vaga])
        saida[positiva & certa] = media[positiva & certa]
        return saida
    larga = positiva & (dispersao > 1 + 1e-6)
    saida[larga] = stats.nbinom.ppf(probabilidade[larga], media[larga] / (dispersao[larga] - 1), 1 / dispersao[larga])
    justa = positiva & ~larga
    saida[justa] = stats.poisson.ppf(probabilidade[justa], media[justa])
    return saida


def intervalo(previsto, dispersao, contagem=True, probabilidade=INTERVALO):
    """[inferior, superior] of a day's value."""
    fora = (1 - probabilidade) / 2
    return quantil(previsto, dispersao, fora, contagem), quantil(previsto, dispersao, 1 - fora, contagem)
