"""What all jobs share: the layout of the lake, files in it, errors, arguments and reports.

Everything that touches storage goes through Hadoop's FileSystem API, so the same code works on S3 (EMRFS or S3A on the
cluster), on the embedded AWS (``s3://`` mapped to local files) and on ``file://`` in the tests.
"""

import argparse
import datetime
import json
import re
import sys
import traceback
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import SparkSession

#: Orders whose value counts as revenue; the other statuses are shown beside it, never hidden.
FINALIZADO, PENDENTE, CANCELADO = "Finalizado", "Pendente", "Cancelado"
#: The status of an item whose candidate orders do not agree on one.
INDEFINIDO = "Indefinido"

#: Money as the sources state it. Sums get more room: many (12,2) values do not fit into one.
DINHEIRO = "decimal(12,2)"
TOTAL = "decimal(18,2)"

#: The value that Spark gives the folder of rows whose partition column is null.
SEM_PARTICAO = "__HIVE_DEFAULT_PARTITION__"
#: The same in quarantine, where the partition is a text.
SEM_DATA = "sem-data"

#: Batches of input files that belong to no day: the flat pair of files, and head office's tables.
PLANO, REFERENCIA = "plano", "referencia"

#: Schemas of the silver tables as later jobs read them; nothing is ever inferred.
ESQUEMAS_SILVER = {
    "pais": "id_pais string, nome_pais string, arquivo string",
    "estado": "id_estado int, id_pais string, nome_estado string, arquivo string",
    "unidade": "id_unidade int, nome_unidade string, id_estado int, arquivo string",
    "produto": "id_produto int, nome_produto string, arquivo string",
    "pedido": "id_unidade int, id_pedido bigint, tipo_pedido string, vlr_pedido {0}, endereco_entrega string, "
    "taxa_entrega {0}, status string, arquivo string, data date".format(DINHEIRO),
    "item_pedido": "id_unidade int, id_pedido bigint, id_item_pedido int, id_produto int, qtd int, vlr_item {0}, "
    "observacao string, ambiguo boolean, unidades_candidatas array<int>, status string, arquivo string, "
    "data date".format(DINHEIRO),
    "arquivo": "id_unidade int, tabela string, arquivo string, tamanho bigint, recebido_em timestamp, lidas bigint, "
    "normalizacoes bigint, detalhe string, lote string",
}
ESQUEMA_QUARENTENA = "motivo string, detalhe string, arquivo string, numero int, linha string, data string"

#: A file of the lake: its address, its size, and when it was written (milliseconds).
Arquivo = namedtuple("Arquivo", "caminho tamanho modificado")

#: Requests to S3 that wait at the same time.
_PARALELAS = 32


class PipelineError(Exception):
    """A job cannot go on; the message names the cause and, where there is one, the file."""


class Lago:
    """The lake's layout under one root, and the few file operations that Spark's writers do not cover."""

    def __init__(self, spark, raiz):
        self.spark = spark
        self.raiz = raiz.rstrip("/")
        self.csv = self.raiz + "/dados/silver/csv"
        self.preparo = self.raiz + "/dados/_preparo"

    # --- where things are ----------------------------------------------------------------------------------------

    def silver(self, tabela):
        return "{}/dados/silver/parquet/{}".format(self.raiz, tabela)

    def quarentena(self, tabela):
        return "{}/dados/quarentena/{}".format(self.raiz, tabela)

    def gold(self, tabela):
        return "{}/dados/gold/{}".format(self.raiz, tabela)

    def contagens(self, camada, data=None):
        """The counts of a layer: of the latest run, or of the run of one business date."""
        nome = "data={}".format(data) if data else "ultima"
        return "{}/dados/{}/_contagens/{}.json".format(self.raiz, camada, nome)

    def manifesto(self, lote):
        """Which files a batch (a day, ``plano`` or ``referencia``) was last made of."""
        return "{}/dados/silver/_manifesto/{}.json".format(self.raiz, lote)

    def pendente(self, dia=""):
        """The mark of a day that silver has changed and gold has not seen yet; without a day, their folder."""
        return "{}/dados/silver/_pendentes/{}".format(self.raiz, "data={}.json".format(dia) if dia else "")

    # --- tables --------------------------------------------------------------------------------------------------

    def ler_silver(self, tabela):
        return self.spark.read.schema(ESQUEMAS_SILVER[tabela]).parquet(self.silver(tabela))

    def ler_gold(self, tabela, esquema, coluna=None, valores=None):
        return self.ler(self.gold(tabela), esquema, coluna, valores)

    def ler(self, pasta, esquema, coluna=None, valores=None):
        """A table, or of a table with partitions by ``coluna`` those of ``valores``, without a look at the others.

        What is not there has no rows. A partition named None is that of rows without a value.
        """
        pastas = [pasta] if valores is None else [particao(pasta, coluna, valor) for valor in valores]
        pastas = [p for p, ha in zip(pastas, self.em_paralelo(self.existe, pastas)) if ha]
        if not pastas:
            return self.spark.createDataFrame([], esquema)
        return self.spark.read.schema(esquema).option("basePath", pasta).parquet(*pastas)

    # --- files ---------------------------------------------------------------------------------------------------

    def existe(self, caminho):
        alvo, sistema = self._abrir(caminho)
        return sistema.exists(alvo)

    def apagar(self, caminho):
        """Deletes a file or a whole folder; a missing one is as good as deleted."""
        alvo, sistema = self._abrir(caminho)
        if sistema.exists(alvo):
            sistema.delete(alvo, True)

    def listar(self, padrao):
        """The files (and folders, of size 0) that match a glob, sorted; none if its folder does not exist."""
        alvo, sistema = self._abrir(padrao)
        estados = sistema.globStatus(alvo)
        if not estados:
            return []
        # One call for all of them: a call per file and attribute would take longer than the job. The wrapped statuses of
        # ViewFs print nothing of what they wrap, so the first one has to say the same when it is asked.
        texto = self.spark._jvm.org.apache.commons.lang3.ArrayUtils.toString(estados)
        achados = [Arquivo(a, int(b or 0), int(c)) for a, b, c in _ESTADO.findall(texto)]
        if len(achados) != len(estados) or achados[0] != _estado(estados[0]):
            achados = [_estado(estado) for estado in estados]
        return sorted(achados)

    def escrever_json(self, caminho, conteudo):
        """Writes a JSON file as a whole: a reader sees the old content or the new one."""
        texto = json.dumps(conteudo, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        alvo, sistema = self._abrir(caminho)
        provisorio = caminho + ".tmp" if _troca_por_rename(sistema) else caminho
        saida = sistema.create(self._caminho(provisorio), True)
        try:
            saida.write(bytearray(texto.encode("utf-8")))
        finally:
            saida.close()
        if provisorio != caminho:
            self.substituir(provisorio, caminho)

    def ler_json(self, caminho):
        alvo, sistema = self._abrir(caminho)
        entrada = sistema.open(alvo)
        try:
            return json.loads(self.spark._jvm.org.apache.commons.io.IOUtils.toString(entrada, "UTF-8"))
        finally:
            entrada.close()

    def substituir(self, origem, destino):
        """Puts a finished file in the place of another at once: no reader sees a part of it, or neither.

        On S3 an object appears when its last byte is there, so it is a copy over the old one (``rename`` would refuse
        to); the original stays. On local files it is a rename, and Hadoop's checksum files go before it: between
        the rename of a file and that of its checksum the two would not match.
        """
        de, sistema = self._abrir(origem)
        para, _ = self._abrir(destino)
        if not _troca_por_rename(sistema):
            jvm = self.spark._jvm
            jvm.org.apache.hadoop.fs.FileUtil.copy(sistema, de, sistema, para, False, True, self._conf())
            return
        sistema.mkdirs(para.getParent())
        for arquivo in (de, para):
            soma = self.spark._jvm.org.apache.hadoop.fs.Path(arquivo.getParent(), ".{}.crc".format(arquivo.getName()))
            if sistema.exists(soma):
                sistema.delete(soma, False)
        # Through ViewFs, and through Hive's stand-in for the local file system, a rename over a file is refused; the plain
        # local file system below does it.
        de, pasta = sistema.resolvePath(de), sistema.resolvePath(para.getParent())
        local = pasta.getFileSystem(self._conf()).getRawFileSystem()
        if not local.rename(de, self._caminho("{}/{}".format(pasta.toString(), para.getName()))):
            raise PipelineError("não foi possível publicar {} em {}".format(origem, destino))

    def em_paralelo(self, funcao, itens, quantas=_PARALELAS):
        """``funcao`` of each item, in order, many at a time: each is a wait for storage or for Spark."""
        itens = list(itens)
        if len(itens) < 2:
            return [funcao(item) for item in itens]
        with ThreadPoolExecutor(min(quantas, len(itens))) as fila:
            return list(fila.map(funcao, itens))

    def _conf(self):
        return self.spark._jsc.hadoopConfiguration()

    def _caminho(self, caminho):
        return self.spark._jvm.org.apache.hadoop.fs.Path(caminho)

    def _abrir(self, caminho):
        alvo = self._caminho(caminho)
        return alvo, alvo.getFileSystem(self._conf())


#: How Hadoop prints the status of a file.
_ESTADO = re.compile(r"\{path=(.*?); isDirectory=\w+; (?:length=(\d+); .*?)?modification_time=(\d+)")


def _estado(estado):
    tamanho = 0 if estado.isDirectory() else estado.getLen()
    return Arquivo(estado.getPath().toString(), tamanho, estado.getModificationTime())


def _troca_por_rename(sistema):
    return any(nome in sistema.getClass().getName() for nome in ("LocalFileSystem", "ViewFileSystem"))


def particao(pasta, coluna, valor):
    """The folder of one partition."""
    return "{}/{}={}".format(pasta, coluna, SEM_PARTICAO if valor is None else valor)


def dias_entre(de, ate):
    """The days from ``de`` to ``ate``, both included, as they appear in folder names."""
    primeiro, ultimo = datetime.date.fromisoformat(de), datetime.date.fromisoformat(ate)
    return [(primeiro + datetime.timedelta(n)).isoformat() for n in range((ultimo - primeiro).days + 1)]


def preparar_sessao(spark):
    """Settings whose meaning the jobs rely on, whatever the cluster's defaults are.

    * Without ANSI mode a cast that fails gives null, which the rules turn into a reason; with it the job would die.
    * A few shuffle partitions suit a daily batch; a cluster that sets its own number keeps it.
    * Units' files are small: Spark puts many into one task only if opening one is not priced at 4 MB, and lists them
      with one task a file unless told otherwise.
    """
    spark.conf.set("spark.sql.ansi.enabled", "false")
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "static")
    spark.conf.set("spark.sql.files.openCostInBytes", str(256 * 1024))
    spark.conf.set("spark.sql.sources.parallelPartitionDiscovery.parallelism", "32")
    if not spark.sparkContext.getConf().contains("spark.sql.shuffle.partitions"):
        spark.conf.set("spark.sql.shuffle.partitions", "8")
    return spark


def executar_trabalho(nome, funcao, argv=None):
    """Entry point of a job: parses the arguments, runs it, and makes sure that a failure ends in one clear line.

    ``funcao`` gets the session, the lake's root and the business date; ``de`` and ``ate`` by name, where given.
    EMR shows the last exception line of a failed step. Spark's own errors are pages long and end in Java frames, so
    the whole trace is printed first and the cause is raised again as the last line.
    """
    opcoes = _argumentos(nome, argv)
    periodo = {"de": opcoes.de, "ate": opcoes.ate} if opcoes.de else {}
    spark = SparkSession.builder.appName("mrhealth-" + nome).getOrCreate()
    try:
        funcao(spark, opcoes.lago, opcoes.data, **periodo)
    except PipelineError as erro:
        raise PipelineError("{}: {}".format(nome, erro)) from None
    except Exception as erro:
        traceback.print_exc(file=sys.stderr)
        raise PipelineError("{}: {} (lago {})".format(nome, causa(erro), opcoes.lago)) from None
    finally:
        sys.stdout.flush()
        spark.stop()


def _argumentos(nome, argv):
    leitor = argparse.ArgumentParser(prog=nome + ".py", description="Trabalho {} do pipeline Mr. Health".format(nome))
    raiz = "raiz do lago, ex.: s3://mrhealth-terraform-123456789012"
    leitor.add_argument("--lago", required=True, metavar="URI", help=raiz)
    da_data = "data de negócio: esse dia e o que chegou atrasado; com --de e --ate é o último do período"
    leitor.add_argument("--data", type=_data, metavar="AAAA-MM-DD", help=da_data)
    leitor.add_argument("--de", type=_data, metavar="AAAA-MM-DD", help="primeiro dia a reprocessar")
    leitor.add_argument("--ate", type=_data, metavar="AAAA-MM-DD", help="último dia a reprocessar")
    opcoes = leitor.parse_args(argv)
    if bool(opcoes.de) != bool(opcoes.ate):
        leitor.error("--de e --ate vão juntos")
    if opcoes.de and opcoes.data and opcoes.data != opcoes.ate:
        leitor.error("--data é o último dia do período: {} não é {}".format(opcoes.data, opcoes.ate))
    if opcoes.de and opcoes.de == opcoes.ate == opcoes.data:
        # A period of one day is that day, with what arrived late.
        opcoes.de = opcoes.ate = None
    elif opcoes.de:
        opcoes.data = None
    if opcoes.de and opcoes.de > opcoes.ate:
        leitor.error("--de {} é depois de --ate {}".format(opcoes.de, opcoes.ate))
    return opcoes


def _data(texto):
    """A business date exactly as it appears in folder names."""
    try:
        if re.match(r"^\d{4}-\d{2}-\d{2}$", texto):
            return datetime.date(*map(int, texto.split("-"))).isoformat()
    except ValueError:
        pass
    raise argparse.ArgumentTypeError("data inválida: {!r} (esperado AAAA-MM-DD)".format(texto))


def causa(erro):
    """The innermost message of an exception in one line; Java's wrappers around it say nothing to a reader."""
    java = getattr(erro, "java_exception", None)
    while java is not None and java.getCause() is not None:
        java = java.getCause()
    texto = java.toString() if java is not None else "{}: {}".format(type(erro).__name__, erro)
    linhas = [linha.strip() for linha in texto.splitlines() if linha.strip()]
    return linhas[0] if linhas else type(erro).__name__


def tabela_alinhada(cabecalho, linhas):
    """Rows as aligned text columns: words to the left, numbers to the right."""
    textos = [["-" if valor is None else str(valor) for valor in linha] for linha in linhas]
    larguras = [max(len(celula) for celula in coluna) for coluna in zip(cabecalho, *textos)]
    numerica = [bool(linhas) and all(not isinstance(linha[i], str) for linha in linhas) for i in range(len(cabecalho))]

    def linha_formatada(celulas):
        return "  ".join(
            celula.rjust(largura) if direita else celula.ljust(largura)
            for celula, largura, direita in zip(celulas, larguras, numerica)
        ).rstrip()

    return "\n".join(linha_formatada(celulas) for celulas in [list(cabecalho)] + textos)
