"""The analysis as a job: on the gold that silver and gold have made of generated data with known faults."""

import json
import sys
from pathlib import Path

import pytest
from tabelas import ler_pasta

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
from gerar_vendas import gerar

INICIO, DIA = "2024-09-28", "2024-11-09"
DIAS = 43


@pytest.fixture(scope="module")
def analisado(spark, tmp_path_factory):
    import analise
    import gold
    import silver

    raiz = tmp_path_factory.mktemp("analise")
    gerar(raiz, unidades=2, dias=DIAS, inicio=INICIO, semente=7, anomalias=[
        {"tipo": "nao_enviou", "unidade": 2, "data": DIA}])  # fmt: skip
    silver.executar(spark, raiz.as_uri())
    gold.executar(spark, raiz.as_uri())
    return raiz, analise.executar(spark, raiz.as_uri(), DIA)


def tabela(raiz, nome, particao):
    return ler_pasta(raiz / "dados/gold" / nome / particao)


def test_o_resumo_e_o_que_as_tabelas_dizem(analisado):
    raiz, resumo = analisado
    gravado = json.loads((raiz / "dados/gold/alertas/_resumo" / "data={}.json".format(DIA)).read_text(encoding="utf-8"))
    assert gravado == json.loads(json.dumps(resumo))
    linhas = tabela(raiz, "alertas", "data=" + DIA)
    assert [a["titulo"] for a in resumo["alertas"]] == [a["titulo"] for a in sorted(linhas, key=lambda a: a["ordem"])]
    assert [a for a in resumo["alertas"] if a["tipo"] == "unidade_nao_enviou" and a["severidade"] == "alta"]
    vendas = tabela(raiz, "vendas_diarias", "data=" + DIA)
    assert resumo["numeros"]["pedidos"] == sum(v["pedidos"] for v in vendas)
    receita = sum(v["valor"] for v in vendas if v["status"] == "Finalizado")
    assert resumo["numeros"]["receita"] == "{:.2f}".format(receita)
    assert (resumo["numeros"]["unidades"], resumo["numeros"]["unidades_que_enviaram"]) == (2, 1)


def test_sete_dias_por_produto_e_unidade_com_o_erro_ao_lado(analisado):
    raiz, _ = analisado
    linhas = tabela(raiz, "previsao", "data_base=" + DIA)
    por_serie = {}
    for linha in linhas:
        por_serie.setdefault((linha["id_unidade"], linha["id_produto"]), []).append(linha)
        assert linha["inferior"] <= linha["previsto"] <= linha["superior"] and linha["modelo"]
        if linha["modelo"] not in ("ingenuo_sazonal", "media") and linha["erro_baseline"] is not None:
            assert linha["erro_modelo"] < linha["erro_baseline"]
    assert por_serie and {len(serie) for serie in por_serie.values()} == {7}
    assert {len({linha["data"] for linha in serie}) for serie in por_serie.values()} == {7}
    assert len(tabela(raiz, "previsao_receita", "data_base=" + DIA)) == 14


def test_cada_recomendacao_diz_de_que_vem(analisado):
    raiz, resumo = analisado
    linhas = tabela(raiz, "recomendacao_estoque", "data=" + DIA)
    assert linhas and resumo["recomendacoes"]
    for linha in linhas:
        assert linha["pedir"] >= 0 and linha["nivel_servico"] == 0.95 and linha["produto"] in linha["explicacao"]


def test_de_novo_da_o_mesmo(spark, analisado):
    import analise

    raiz, resumo = analisado
    antes = {p: p.read_bytes() for p in (raiz / "dados/gold/previsao").rglob("*.parquet")}
    assert analise.executar(spark, raiz.as_uri(), DIA) == resumo
    assert {p: p.read_bytes() for p in (raiz / "dados/gold/previsao").rglob("*.parquet")} == antes


def test_sem_gold_diz_o_que_falta(spark, analisado, tmp_path):
    import analise
    from lago import PipelineError

    with pytest.raises(PipelineError, match="silver e gold antes"):
        analise.executar(spark, tmp_path.as_uri(), DIA)
    with pytest.raises(PipelineError, match="execute o passo gold para essa data"):
        analise.executar(spark, analisado[0].as_uri(), "2031-01-01")
    with pytest.raises(PipelineError, match="falta --data"):
        analise.executar(spark, tmp_path.as_uri(), None)
