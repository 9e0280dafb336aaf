"""Reads gold by day and publishes the tables of the analysis: each partition one file that is replaced as a whole."""

import io
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

#: The name of the one file of a partition.
PARTE = "parte.parquet"
_PARALELAS = 32

_TOTAL = pa.decimal128(18, 2)
_MODELO = [
    ("modelo", pa.string()),
    ("medida_erro", pa.string()),
    ("erro_modelo", pa.float64()),
    ("erro_baseline", pa.float64()),
    ("dias_de_historia", pa.int32()),
]
_PRODUTO = [("id_unidade", pa.int32()), ("filial", pa.string()), ("id_produto", pa.int32()), ("produto", pa.string())]
#: The tables' columns. The partition's own column is in the folder's name.
ESQUEMAS = {
    "previsao": pa.schema(
        [("data", pa.date32())] + _PRODUTO + [(n, pa.float64()) for n in ("previsto", "inferior", "superior")] + _MODELO
    ),
    "previsao_receita": pa.schema(
        [("data", pa.date32())] + _PRODUTO[:2] + [(n, _TOTAL) for n in ("previsto", "inferior", "superior")] + _MODELO
    ),
    "recomendacao_estoque": pa.schema(
        _PRODUTO
        + [
            ("pedir", pa.int64()),
            ("estoque_alvo", pa.int64()),
            ("estoque_seguranca", pa.float64()),
            ("estoque_atual", pa.int64()),
            ("demanda_prevista", pa.float64()),
            ("desvio_previsto", pa.float64()),
            ("nivel_servico", pa.float64()),
            ("revisao_dias", pa.int32()),
            ("entrega_dias", pa.int32()),
            ("modelo", pa.string()),
            ("erro_modelo", pa.float64()),
            ("erro_baseline", pa.float64()),
            ("dias_de_historia", pa.int32()),
            ("preco_mediano", _TOTAL),
            ("explicacao", pa.string()),
        ]
    ),
    "alertas": pa.schema(
        [("ordem", pa.int32()), ("severidade", pa.string()), ("tipo", pa.string())]
        + _PRODUTO
        + [("titulo", pa.string()), ("evidencia", pa.string()), ("acao", pa.string())]
    ),
}


def publicar(lago, tabela, coluna, valor, linhas):
    """Makes ``linhas`` (dictionaries) the content of a table's partition. An empty one is a file without rows.

    The file is written whole and then takes its place: on S3 an object appears when its last byte is there; elsewhere
    it is renamed.
    """
    colunas = {}
    for campo in ESQUEMAS[tabela]:
        valores = [linha.get(campo.name) for linha in linhas]
        if pa.types.is_decimal(campo.type):
            valores = [v if v is None or isinstance(v, Decimal) else Decimal(str(v)).quantize(Decimal("0.01")) for v in valores]
        colunas[campo.name] = pa.array(valores, campo.type)
    saida = io.BytesIO()
    pq.write_table(pa.table(colunas, schema=ESQUEMAS[tabela]), saida, compression="snappy")
    destino = "{}/{}={}/{}".format(lago.gold(tabela), coluna, valor, PARTE)
    _escrever(lago, destino, saida.getvalue())


def _escrever(lago, destino, conteudo):
    alvo, sistema = lago._abrir(destino)
    # Everywhere but on S3 a file is seen while it is being written.
    de_uma_vez = destino.split(":", 1)[0] in ("s3", "s3a", "s3n")
    provisorio = alvo if de_uma_vez else alvo.getParent().suffix("/_{}".format(alvo.getName()))
    saida = sistema.create(provisorio, True)
    try:
        saida.write(bytearray(conteudo))
    finally:
        saida.close()
    if de_uma_vez:
        return
    jvm = _jvm(lago)
    renomear = jvm.org.apache.hadoop.fs.Options.Rename
    opcoes = _spark(lago).sparkContext._gateway.new_array(renomear, 1)
    opcoes[0] = renomear.OVERWRITE
    jvm.org.apache.hadoop.fs.FileContext.getFileContext(alvo.toUri(), sistema.getConf()).rename(provisorio, alvo, opcoes)


def existe_particao(lago, tabela, dia):
    return lago.existe("{}/data={}".format(lago.gold(tabela), dia))


def ler_particoes(spark, lago, tabela, esquema, dias):
    """The partitions of those days that are there, without a look at any other; no rows if none is."""
    with ThreadPoolExecutor(_PARALELAS) as fila:
        ha = list(fila.map(lambda dia: existe_particao(lago, tabela, dia), dias))
    pastas = ["{}/data={}".format(lago.gold(tabela), dia) for dia, tem in zip(dias, ha) if tem]
    if not pastas:
        return spark.createDataFrame([], esquema)
    return spark.read.schema(esquema).option("basePath", lago.gold(tabela)).parquet(*pastas)


def ler_texto(lago, caminho):
    """A small file's text, None if it is not there. What is not UTF-8 is read as Windows wrote it."""
    if not lago.existe(caminho):
        return None
    alvo, sistema = lago._abrir(caminho)
    entrada = sistema.open(alvo)
    try:
        conteudo = bytes(_jvm(lago).org.apache.commons.io.IOUtils.toByteArray(entrada))
    finally:
        entrada.close()
    try:
        return conteudo.decode("utf-8-sig")
    except UnicodeDecodeError:
        return conteudo.decode("cp1252", "replace")


def arredondar(valor, casas=2):
    return None if valor is None else round(float(valor), casas)


def _spark(lago):
    # The attribute was private once.
    return getattr(lago, "spark", None) or lago._spark


def _jvm(lago):
    return _spark(lago)._jvm
