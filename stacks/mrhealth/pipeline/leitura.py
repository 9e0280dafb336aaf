"""Which files a run of silver reads, and their lines.

Files come in batches: a day (``unidade=<id>/data=<D>/``), the flat pair of files (``plano``) and head office's tables
(``referencia``). For each batch a manifest says which files, with size and time of writing, it was last made of, so
that a batch is read again only if one of its files is new, gone or has changed. A day is read whole: its units' files
are small, and reading all of them at once costs hardly more than reading one.

How much is listed does not depend on how much history there is: a daily run looks at its day and at the days of a window
before it (``JANELA``), and at no other. What arrives later than that needs ``--de`` and ``--ate``.
"""

import datetime
import hashlib
import re

from pyspark.sql import functions as F

from lago import PLANO, REFERENCIA, PipelineError, dias_entre
from regras import CAMPOS, DE_REFERENCIA, TABELAS, coluna_simples, simples

#: How many days before its business date a daily run looks for late and corrected files.
JANELA = 14

_CSV = "*.[cC][sS][vV]"

#: Where a table's files may lie below ``dados/silver/csv``. Other CSV files are reported as ignored.
_DE_UNIDADE = re.compile(r"^unidade=(\d{1,9})/data=(\d{4}-\d{2}-\d{2})/(pedido|item_pedido)\.csv$")
_PLANO = re.compile(r"^(pedido|item_pedido)\.csv$")
_REFERENCIA = re.compile(r"^(?:tabela_|referencia/(?:tabela_)?)(pais|estado|unidade|produto)\.csv$")
ONDE_FICA = {t: "Tabela_{}.csv ou referencia/{}.csv".format(t.capitalize(), t) for t in DE_REFERENCIA}


class Entrada:
    """A file that a run knows: its path below ``csv``, its table, and its unit and day if it is in a unit's folder."""

    def __init__(self, lago, arquivo):
        self.arquivo = arquivo.caminho.split("/dados/silver/csv/", 1)[1]
        self.caminho, self.tamanho, self.modificado = arquivo
        minusculo = self.arquivo.lower()
        self.unidade, self.lote, self.tabela = None, None, None
        if _DE_UNIDADE.match(minusculo) and eh_dia(_DE_UNIDADE.match(minusculo).group(2)):
            unidade, self.lote, self.tabela = _DE_UNIDADE.match(minusculo).groups()
            self.unidade = int(unidade)
        elif _PLANO.match(minusculo):
            self.lote, self.tabela = PLANO, _PLANO.match(minusculo).group(1)
        elif _REFERENCIA.match(minusculo):
            self.lote, self.tabela = REFERENCIA, _REFERENCIA.match(minusculo).group(1)


class Plano:
    """What a run reads. ``dias`` are the days that it writes anew; ``com_plano`` and ``com_referencia``: those batches too."""

    def __init__(self):
        self.dias, self.com_plano, self.com_referencia = set(), False, False
        self.entradas, self.ignorados, self.manifestos = [], [], {}
        self.completo = False

    def dos_lotes(self, *lotes):
        return [entrada for entrada in self.entradas if entrada.lote in lotes]

    def do_dia(self, dia):
        return self.dos_lotes(dia)

    def substituidas(self):
        """Paths of files beside a newer one of the same unit, day and table (``PEDIDO.csv`` and ``pedido.csv``)."""
        ultimas, velhas = {}, []
        for entrada in sorted(self.entradas, key=lambda e: (e.modificado, e.arquivo)):
            if entrada.unidade is not None:
                velhas.append(ultimas.get((entrada.unidade, entrada.lote, entrada.tabela)))
                ultimas[entrada.unidade, entrada.lote, entrada.tabela] = entrada.arquivo
        return [velha for velha in velhas if velha]


def planejar(lago, data=None, de=None, ate=None, janela=JANELA):
    """Decides what a run reads: one day and what is late, the days of a period, or everything."""
    plano = Plano()
    plano.completo = not data and not de
    if plano.completo:
        por_dia = _listar_dias(lago, None)
        candidatos = {dia for dia in por_dia if eh_dia(dia)} | _dias_dos_manifestos(lago)
    else:
        candidatos = set(dias_entre(de, ate)) if de else set(dias_entre(_antes(data, janela), data))
        por_dia = _listar_dias(lago, candidatos)
    raiz = _entradas(lago, _CSV) + _entradas(lago, "referencia/" + _CSV)
    if not raiz and not por_dia and not lago.existe(lago.csv):
        raise PipelineError("não há dados de entrada: {} não existe".format(lago.csv))
    plano.manifestos = _ler_manifestos(lago, sorted(candidatos) + [PLANO, REFERENCIA])

    referencia = [e for e in raiz if e.lote == REFERENCIA]
    presentes = {e.tabela for e in referencia}
    for tabela in DE_REFERENCIA:
        if tabela not in presentes:
            raise PipelineError("falta {} em {} (esperado {})".format(tabela, lago.csv, ONDE_FICA[tabela]))
    planas = [e for e in raiz if e.lote == PLANO]
    plano.com_referencia = plano.completo or _mudou(plano, REFERENCIA, referencia)
    plano.entradas = referencia + planas + [e for dia in sorted(por_dia) for e in por_dia[dia] if e.lote]
    plano.ignorados = sorted(e.arquivo for e in raiz + sum(por_dia.values(), []) if not e.lote)

    # A day that was asked for by name is made anew in any case, and if no unit sent anything that is a result too.
    plano.dias = {dia for dia in candidatos if not data or dia == data or _mudou(plano, dia, plano.do_dia(dia))}
    conhecidos = set(plano.manifestos.get(PLANO, {}).get("dias", []))
    plano.com_plano = bool(planas or conhecidos) and (
        plano.completo or _mudou(plano, PLANO, planas) or bool(conhecidos & plano.dias)
    )
    return plano


def incluir_dias(lago, plano, dias):
    """Adds days to a plan, and the files that units sent for those that it has not listed yet."""
    novos = set(dias) - plano.dias
    nao_listados = novos - {entrada.lote for entrada in plano.entradas} - set(plano.manifestos)
    for entradas in _listar_dias(lago, nao_listados).values() if nao_listados and not plano.completo else []:
        plano.entradas += [entrada for entrada in entradas if entrada.lote]
    plano.manifestos.update(_ler_manifestos(lago, sorted(nao_listados)))
    plano.dias |= novos
    return novos


def manifesto(entradas, **mais):
    return dict(mais, arquivos={entrada.arquivo: [entrada.tamanho, entrada.modificado] for entrada in entradas})


def impressao(linhas):
    """A fingerprint of rows, to see whether a reference table says something else than before."""
    return hashlib.sha256(repr(sorted(map(tuple, linhas))).encode("utf-8")).hexdigest()[:16]


def eh_dia(texto):
    """Whether a folder's ``data=`` is a day that exists."""
    try:
        return datetime.date.fromisoformat(texto).isoformat() == texto
    except ValueError:
        return False


def _antes(data, dias):
    return (datetime.date.fromisoformat(data) - datetime.timedelta(dias)).isoformat()


def _mudou(plano, lote, entradas):
    conhecidos = plano.manifestos.get(lote, {}).get("arquivos", {})
    return conhecidos != manifesto(entradas)["arquivos"]


def _listar_dias(lago, dias):
    """Files in units' folders by day; ``dias`` None for all there are."""
    if dias is None:
        # Ten lists at a time, by the last digit of the unit.
        padroes = ["unidade=*{}/data=*/{}".format(digito, _CSV) for digito in range(10)]
    else:
        padroes = ["unidade=*/data={}/{}".format(dia, _CSV) for dia in sorted(dias)]
    por_dia = {}
    for entradas in lago.em_paralelo(lambda padrao: _entradas(lago, padrao), padroes):
        for entrada in entradas:
            dia = re.search("/data=([^/]+)/", entrada.arquivo).group(1)
            por_dia.setdefault(dia, []).append(entrada)
    return por_dia


def _entradas(lago, padrao):
    return [Entrada(lago, arquivo) for arquivo in lago.listar("{}/{}".format(lago.csv, padrao))]


def _dias_dos_manifestos(lago):
    nomes = [re.search(r"/(\d{4}-\d{2}-\d{2})\.json$", a.caminho) for a in lago.listar(lago.manifesto("*"))]
    return {nome.group(1) for nome in nomes if nome}


def _ler_manifestos(lago, lotes):
    def ler(lote):
        caminho = lago.manifesto(lote)
        return lago.ler_json(caminho) if lago.existe(caminho) else None

    return {lote: lido for lote, lido in zip(lotes, lago.em_paralelo(ler, lotes)) if lido is not None}


# --- lines -------------------------------------------------------------------------------------------------------


def ler_linhas(spark, entradas, substituidas=()):
    """All lines of the files in one read, each with its file, its number in it, and what the file's header says.

    A file is read as bytes and cut into lines here, not by Spark's CSV reader: the raw line goes to quarantine as it was
    sent; a line is a row whatever quotes it leaves open, so a stray quote cannot swallow the rows that follow; and a file's
    header, wherever its columns are, holds for the lines of that file.

    A line that is not UTF-8 is read as Windows-1252, the superset of Latin-1 that Windows programs write: line by line,
    because files that were put together by hand have both.
    """
    # The path is matched, not the name of a column: nothing in it is inferred.
    leitor = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    if not entradas:
        conteudo = spark.createDataFrame([], "path string, content binary")
    else:
        conteudo = leitor.load([entrada.caminho for entrada in entradas]).select("path", "content")
    # Latin-1 is one character a byte: nothing is lost by cutting lines in it.
    partes = F.split(F.decode("content", "ISO-8859-1"), "\r\n|\n|\r")
    arquivo = F.regexp_extract("path", "/dados/silver/csv/(.+)$", 1)
    minusculo = F.lower("arquivo")
    df = conteudo.select(arquivo.alias("arquivo"), partes.alias("_partes"))
    df = df.withColumn("tabela", F.regexp_extract(minusculo, r"(?:^|/)(?:tabela_)?([a-z_]+)\.csv$", 1))
    df = df.withColumn("_primeira", F.get(F.filter("_partes", lambda parte: F.trim(parte) != ""), F.lit(0)))
    df = df.withColumn("cabecalho", F.regexp_replace(_decodificada(F.col("_primeira"))[0], "^\ufeff", ""))
    df = df.withColumn("separador", F.when(_quantos(";") > _quantos(","), F.lit(";")).otherwise(F.lit(",")))
    df = df.withColumn("_cabecalho", _comparavel(F.col("cabecalho")))
    nomes, esperados = F.split("_cabecalho", ","), _por_tabela(lambda campos: F.array(*map(F.lit, campos)))
    df = df.withColumn("posicoes", _por_tabela(lambda campos: F.array(*[F.array_position(nomes, c) for c in campos])))
    df = df.withColumn("posicoes", F.transform("posicoes", lambda posicao: posicao.cast("int")))
    todas = (F.size(nomes) == F.size("posicoes")) & ~F.array_contains("posicoes", 0)
    df = df.withColumn("cabecalho_ok", F.coalesce(todas, F.lit(False)))
    # A file without a header begins with a row; one whose header is wrong names some column that we know.
    df = df.withColumn("_tem_cabecalho", F.size(F.array_intersect(nomes, esperados)) > 0)
    df = df.select("*", F.posexplode("_partes").alias("_n", "_bruta")).drop("_partes")
    linha, latin1 = _decodificada(F.col("_bruta"))
    df = df.withColumn("linha", F.regexp_replace(linha, "^\ufeff", "")).withColumn("latin1", latin1)
    # A header in the middle comes from files that were put together.
    eh_cabecalho = F.col("_tem_cabecalho") & (_comparavel(F.col("linha")) == F.col("_cabecalho"))
    return df.select(
        "arquivo",
        "tabela",
        (F.col("_n") + 1).alias("numero"),
        "linha",
        "latin1",
        (~eh_cabecalho & (F.trim("linha") != "")).alias("eh_dado"),
        "cabecalho",
        "cabecalho_ok",
        "posicoes",
        "separador",
        F.col("_primeira").startswith("\xef\xbb\xbf").alias("bom"),
        F.regexp_extract(minusculo, r"^unidade=(\d+)/", 1).cast("int").alias("unidade_pasta"),
        F.nullif(F.regexp_extract(minusculo, r"/data=(\d{4}-\d{2}-\d{2})/", 1), F.lit("")).alias("data_pasta"),
        # Which of two versions of a row is the newer: head office's database before a sample file.
        F.when(minusculo.startswith("referencia/"), F.lit("1")).otherwise(F.lit("")).alias("recepcao"),
        F.col("arquivo").isin(list(substituidas)).alias("substituida") if substituidas else F.lit(False).alias("substituida"),
    )


def medir_arquivos(linhas):
    """One row per file that is not empty: lines, and what was put right in the file as a whole."""
    trocadas = F.col("posicoes") != F.transform("posicoes", lambda posicao, n: n + 1)
    return linhas.groupBy("arquivo").agg(
        F.sum(F.col("eh_dado").cast("bigint")).alias("lidas"),
        F.first("cabecalho_ok").alias("cabecalho_ok"),
        F.first("cabecalho").alias("cabecalho"),
        F.first("bom").alias("bom"),
        F.first(F.col("separador") == ";").alias("ponto_e_virgula"),
        F.first(F.coalesce(F.col("cabecalho_ok") & trocadas, F.lit(False))).alias("colunas_trocadas"),
    )


def _decodificada(bruta):
    """The text of a line that was cut as Latin-1, and whether it had to be read as Windows-1252."""
    bytes_ = F.encode(bruta, "ISO-8859-1")
    utf8 = F.decode(bytes_, "UTF-8")
    eh_utf8 = F.encode(utf8, "UTF-8") == bytes_
    return F.when(eh_utf8, utf8).otherwise(F.decode(bytes_, "windows-1252")), ~eh_utf8


def _quantos(sinal):
    return F.length("cabecalho") - F.length(F.translate("cabecalho", sinal, ""))


def _comparavel(coluna):
    return coluna_simples(F.when(F.col("separador") == ";", F.translate(coluna, ";", ",")).otherwise(coluna))


def _por_tabela(valor):
    nomes = {tabela: [simples(campo.origem) for campo in CAMPOS[tabela]] for tabela in TABELAS}
    return F.coalesce(*[F.when(F.col("tabela") == tabela, valor(campos)) for tabela, campos in nomes.items()])
