"""The statistics of the analysis without Spark: forecasts beside their baseline, orders that hold, alerts that fire."""

import datetime

import alertas
import estoque
import numpy as np
import pytest
from previsao import INGENUO, MEDIA, prever_serie
from simulacao import INICIO, Cadeia

DIAS = 140


@pytest.fixture(scope="module")
def cadeia():
    """Five units without anything wrong."""
    return Cadeia(5, DIAS, semente=3, volume=2.0)


def com(tipo, dia=DIAS - 1, **mais):
    return Cadeia(3, DIAS, semente=3, volume=2.0, anomalias=[
        {"tipo": tipo, "unidade": 2, "data": INICIO + datetime.timedelta(dia), **mais}])  # fmt: skip


# --- forecasts


def test_o_modelo_so_vale_onde_ganha_no_teste(cadeia):
    """Where it is used its error out of sample is the smaller one; over days that it never saw it wins as well."""
    erros, usados = {"modelo": 0.0, "base": 0.0}, 0
    for numero, _ in cadeia.unidades:
        for serie in cadeia.quantidade[numero]:
            passado, futuro = serie[:-7], serie[-7:]
            p = prever_serie(passado)
            assert p.erro_baseline is not None and p.dias_de_historia == DIAS - 7
            if p.modelo == INGENUO:
                assert p.erro_modelo is None or p.erro_modelo >= p.erro_baseline
                continue
            usados += 1
            assert p.erro_modelo < p.erro_baseline
            erros["modelo"] += np.abs(p.previsto[:7] - futuro).sum()
            erros["base"] += np.abs(passado[-7:] - futuro).sum()
    assert usados >= 20
    assert erros["modelo"] < 0.9 * erros["base"], erros


def test_uma_serie_que_so_repete_a_semana_fica_com_o_ingenuo():
    """Nothing beats last week's value there, and the table says so."""
    semana = np.array([3, 9, 1, 12, 5, 20, 7], dtype=float)
    p = prever_serie(np.tile(semana, 15))
    assert p.modelo == INGENUO
    assert p.previsto[:7].tolist() == semana.tolist()
    assert p.erro_baseline == 0


@pytest.mark.parametrize("valores", [[], [np.nan] * 40, [3.0] + [np.nan] * 40])
def test_do_que_nao_se_sabe_nada_nada_se_preve(valores):
    assert prever_serie(np.array(valores)) is None


def test_pouca_historia_da_a_media_e_nenhuma_venda_da_zero():
    p = prever_serie(np.array([4.0, 6.0]))
    assert p.modelo == MEDIA and p.previsto[:7].tolist() == pytest.approx([5.0] * 7)
    assert prever_serie(np.zeros(60)).previsto[:7].sum() == 0


def test_dias_sem_envio_nao_sao_dias_sem_venda(cadeia):
    serie = cadeia.quantidade[1][0].copy()
    serie[50:60] = np.nan
    com_buraco, inteira = prever_serie(serie), prever_serie(cadeia.quantidade[1][0])
    assert com_buraco.dias_de_historia == DIAS - 10
    zerada = serie.copy()
    zerada[50:60] = 0
    longe = abs(prever_serie(zerada).previsto[:7].sum() - inteira.previsto[:7].sum())
    assert abs(com_buraco.previsto[:7].sum() - inteira.previsto[:7].sum()) <= longe + 1e-9


# --- orders


@pytest.mark.parametrize("nivel", [0.8, 0.95])
def test_o_nivel_de_servico_e_cumprido(nivel):
    """Of many weeks that were not seen, about so many are covered by what was to be ordered."""
    politica = estoque.Politica(nivel, 7, 2)
    periodo, cobertos, todos = 9, 0, 0
    cadeia = Cadeia(3, DIAS + 90, semente=11, volume=2.0)
    for corte in range(DIAS, DIAS + 90 - periodo, 9):
        itens, reais = [], []
        for numero, filial in cadeia.unidades:
            for k in range(4):
                serie = cadeia.quantidade[numero][k]
                p = prever_serie(serie[:corte], horizonte=periodo, periodo=periodo)
                itens.append({"id_unidade": numero, "filial": filial, "id_produto": k, "produto": "p", "preco": 1, "previsao": p})
                reais.append(serie[corte : corte + periodo].sum())
        for linha, real in zip(estoque.recomendar(itens, politica), reais):
            cobertos += real <= linha["estoque_alvo"]
            todos += 1
    assert todos >= 90
    assert nivel - 0.1 <= cobertos / todos <= min(1, nivel + 0.12), cobertos / todos


def test_o_que_ha_na_loja_e_descontado_e_a_frase_diz_de_que(cadeia):
    p = prever_serie(cadeia.quantidade[1][0], horizonte=9, periodo=9)
    item = {"id_unidade": 1, "filial": "A", "id_produto": 7, "produto": "Suco", "preco": 5, "previsao": p}
    sem, = estoque.recomendar([item])
    com_estoque, = estoque.recomendar([item], estoque={(1, 7): 5})
    assert com_estoque["pedir"] == sem["pedir"] - 5 and sem["estoque_atual"] is None
    cheio, = estoque.recomendar([item], estoque={(1, 7): 10_000})
    assert cheio["pedir"] == 0
    for parte in ("Suco", "95 %", "9 dias", "estoque de segurança"):
        assert parte in sem["explicacao"]
    assert estoque.recomendar([]) == []


# --- alerts


def de_um_dia(cadeia, dia=DIAS - 1):
    s, data = cadeia.ate(dia), cadeia.data(dia)
    return (
        alertas.envios(data, cadeia.unidades, s["enviou"])
        + alertas.receitas(data, cadeia.unidades, s["receita"])
        + alertas.cancelamentos(data, cadeia.unidades, s["cancelados"], s["pedidos"])
    )


@pytest.mark.parametrize("tipo, esperado", [
    ("nao_enviou", "unidade_nao_enviou"), ("queda", "receita"), ("pico", "receita"), ("cancelamentos", "cancelamento"),
])  # fmt: skip
def test_cada_anomalia_tem_o_seu_alerta(tipo, esperado):
    achados = [a for a in de_um_dia(com(tipo)) if a.id_unidade == 2]
    assert any(esperado in a.tipo for a in achados), achados
    for a in achados:
        assert a.severidade in alertas.SEVERIDADES and a.titulo and a.evidencia and a.acao


def test_um_produto_que_parou_e_um_preco_errado():
    parada = com("produto_parou", DIAS - 14, dias=14)
    frequente = int(np.argmax(parada.quantidade[1].mean(axis=1)))
    assert alertas.parada(parada.quantidade[2][frequente]) is not None
    assert alertas.parada(parada.quantidade[1][frequente]) is None
    preco = com("preco").preco[2][frequente]
    assert alertas.preco_fora(preco, preco) is not None or np.isnan(preco[-1])


def test_dias_limpos_sao_quietos(cadeia):
    """Chance alone raises some alerts: fewer than one in fifty unit-days, and none of the worst."""
    dias = range(60, DIAS)
    achados = [a for dia in dias for a in de_um_dia(cadeia, dia)]
    assert len(achados) / (len(dias) * len(cadeia.unidades)) < 0.02, [a.titulo for a in achados]
    assert not [a for a in achados if a.severidade == "critica"]


def test_os_mais_graves_primeiro():
    achados = alertas.ordenar(de_um_dia(com("nao_enviou", DIAS - 3, dias=3)) + de_um_dia(com("cancelamentos")))
    ordem = [alertas.SEVERIDADES.index(a.severidade) for a in achados]
    assert ordem == sorted(ordem) and len(ordem) >= 2


def test_ninguem_enviou_e_um_so_alerta():
    unidades = [(1, "A"), (2, "B")]
    enviou = {1: np.array([True, True, False]), 2: np.array([True, True, False])}
    achado, = alertas.envios(datetime.date(2024, 1, 3), unidades, enviou)
    assert achado.severidade == "critica" and achado.tipo == "nenhuma_unidade_enviou"
