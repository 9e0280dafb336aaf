"""One Spark session for all tests, and lakes that the jobs have run on.

A session costs seconds and a job run several more, so lakes are made once and shared; tests only read them.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

STACK = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(STACK / "pipeline"), str(STACK / "tests")]

import oraculo
from tabelas import ler_pasta


class LagoPronto:
    """A lake in a folder: its input, what the jobs returned, its tables and what the oracle expects."""

    def __init__(self, raiz, contagens, resumo):
        self.raiz = raiz
        self.contagens = contagens
        self.resumo = resumo
        self.esperado = oraculo.calcular(raiz / "dados/silver/csv")

    def silver(self, tabela):
        return ler_pasta(self.raiz / "dados/silver/parquet" / tabela)

    def quarentena(self, tabela):
        return ler_pasta(self.raiz / "dados/quarentena" / tabela)

    def gold(self, tabela):
        return ler_pasta(self.raiz / "dados/gold" / tabela)

    def motivos(self, tabela):
        return dict(self.contagens["tabelas"][tabela]["motivos"])


@pytest.fixture(scope="session")
def spark():
    """Two cores and a JVM that starts fast: these tables are small, compiling well costs more than it saves.

    All runs together compile more code than the JVM keeps by default, and without room it stops compiling."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # The workers import the jobs' modules, as they do with --py-files.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(STACK / "pipeline"), os.environ.get("PYTHONPATH")]))
    from pyspark.sql import SparkSession

    sessao = (
        SparkSession.builder.master("local[2]")
        .appName("mrhealth-testes")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=256m")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.codegen.wholeStage", "false")
        # Re-planning after each shuffle pays off for data that does not fit into one task.
        .config("spark.sql.adaptive.enabled", "false")
        .getOrCreate()
    )
    sessao.sparkContext.setLogLevel("ERROR")
    yield sessao
    sessao.stop()


@pytest.fixture(scope="session")
def montar_lago(tmp_path_factory):
    """Makes a lake of a folder of CSV files, or of a dictionary of path and content (text or bytes)."""

    def montar(dados):
        raiz = tmp_path_factory.mktemp("lago")
        entrada = raiz / "dados/silver/csv"
        if not isinstance(dados, dict):
            shutil.copytree(dados, entrada)
            return raiz
        for caminho, conteudo in dados.items():
            arquivo = entrada / caminho
            arquivo.parent.mkdir(parents=True, exist_ok=True)
            arquivo.write_bytes(conteudo if isinstance(conteudo, bytes) else conteudo.encode("utf-8"))
        return raiz

    return montar


@pytest.fixture(scope="session")
def processar(spark, montar_lago):
    """Makes a lake and runs the jobs on it."""
    import gold
    import silver

    def rodar(dados, data=None, com_gold=True):
        raiz = montar_lago(dados)
        contagens = silver.executar(spark, raiz.as_uri(), data)
        return LagoPronto(raiz, contagens, gold.executar(spark, raiz.as_uri(), data) if com_gold else None)

    return rodar


@pytest.fixture(scope="session")
def lago_exemplo(processar):
    return processar(STACK / "dados", "2024-11-20")


@pytest.fixture(scope="session")
def lago_real(processar):
    """The company's own sample, which is not part of the repository."""
    pasta = Path(os.environ.get("MRHEALTH_REAL_DATA") or STACK.parent.parent.parent / "shared/data/mrhealth")
    if not (pasta / "PEDIDO.csv").is_file():
        pytest.skip("no real data in {} (MRHEALTH_REAL_DATA)".format(pasta))
    return processar(pasta)


def conferir_com_oraculo(lago):
    """Counts, reasons and every gold row of a lake against the independent calculation."""
    for tabela in oraculo.TABELAS:
        contagem = lago.contagens["tabelas"][tabela]
        assert contagem["lidas"] == lago.esperado.lidas[tabela], tabela
        assert contagem["motivos"] == dict(lago.esperado.quarentena[tabela]), tabela
        assert len(lago.silver(tabela)) == len(lago.esperado.silver[tabela]), tabela
        assert len(lago.quarentena(tabela)) == sum(lago.esperado.quarentena[tabela].values()), tabela
    for tabela, linhas in lago.esperado.gold.items():
        assert oraculo.diferencas(linhas, lago.gold(tabela)) == [], tabela
    conferir_qualidade(lago)


def conferir_qualidade(lago):
    arquivos = {
        a["arquivo"]: (a["tabela"], a["id_unidade"], a["data"], a["aceitas"], a["recusadas"])
        for a in lago.gold("qualidade_arquivos")
    }
    assert arquivos == lago.esperado.qualidade["arquivos"]
    assert all(a["lidas"] == a["aceitas"] + a["recusadas"] for a in lago.gold("qualidade_arquivos"))
    colunas = "enviou pedidos itens pedidos_recusados itens_recusados valor_pedidos valor_itens taxa_entrega diferenca"
    colunas = colunas.split() + ["pedidos_divergentes"]
    unidades = {(u["id_unidade"], u["data"]): tuple(u[c] for c in colunas) for u in lago.gold("qualidade_unidades")}
    nada = (False, 0, 0, 0, 0) + 4 * (oraculo.ZERO,) + (0,)
    esperadas = lago.esperado.qualidade["unidades"]
    assert {chave: linha for chave, linha in unidades.items() if chave in esperadas} == esperadas
    assert {linha for chave, linha in unidades.items() if chave not in esperadas} <= {nada}
    motivos = {(m["id_unidade"], m["data"], m["tabela"], m["motivo"]): m["linhas"] for m in lago.gold("motivos_quarentena")}
    assert {chave: n for chave, n in motivos.items() if chave[0] is not None} == {
        chave: n for chave, n in lago.esperado.qualidade["motivos"].items() if chave[0] is not None
    }


def impressao(raiz):
    """What a reader sees of a lake: every row of every table, and the name of every data file. Without what depends on the
    clock or on the order of runs: when files came, and the marks and counts of the runs."""
    tabelas = {}
    for camada in ("silver/parquet", "quarentena", "gold"):
        for pasta in sorted(p for p in (raiz / "dados" / camada).glob("*") if p.is_dir() and p.name != "_contagens"):
            linhas = [{n: v for n, v in l.items() if n not in ("recebido_em", "atraso_horas")} for l in ler_pasta(pasta)]
            tabelas["{}/{}".format(camada, pasta.name)] = sorted(map(repr, linhas))
    # A table without rows may have a folder or none.
    return {nome: linhas for nome, linhas in tabelas.items() if linhas}
