"""What the silver and the gold job share: the layout of the lake, files in it, errors and reports.

Everything that touches storage goes through Hadoop's FileSystem API, so the same code works on EMRFS
(``s3://`` on the cluster), on the embedded AWS (``s3://`` mapped to local files) and on ``file://`` in the tests.
"""

import argparse
import datetime
import json
import re
import sys
import traceback

from pyspark.sql import SparkSession

#: Orders whose value counts as revenue; the other statuses are shown beside it, never hidden.
FINALIZADO, PENDENTE, CANCELADO = "Finalizado", "Pendente", "Cancelado"

#: Money as the sources state it. Sums get more room: many (12,2) values do not fit into one.
DINHEIRO = "decimal(12,2)"
TOTAL = "decimal(18,2)"

#: Schemas of the silver tables as the gold job reads them; nothing is ever inferred.
ESQUEMAS_SILVER = {
    "pais": "id_pais string, nome_pais string, arquivo string",
    "estado": "id_estado int, id_pais string, nome_estado string, arquivo string",
    "unidade": "id_unidade int, nome_unidade string, id_estado int, arquivo string",
    "produto": "id_produto int, nome_produto string, arquivo string",
    "pedido": "id_unidade int, id_pedido bigint, tipo_pedido string, vlr_pedido {0}, endereco_entrega string, "
    "taxa_entrega {0}, status string, arquivo string, data date".format(DINHEIRO),
    "item_pedido": "id_unidade int, id_pedido bigint, id_item_pedido int, id_produto int, qtd int, vlr_item {0}, "
    "observacao string, ambiguo boolean, unidades_candidatas array<int>, arquivo string".format(DINHEIRO),
}


class PipelineError(Exception):
    """A job cannot go on; the message names the cause and, where there is one, the file."""


class Lago:
    """The lake's layout under one root, and the few file operations that Spark's writers do not cover."""

    def __init__(self, spark, raiz):
        self._spark = spark
        self.raiz = raiz.rstrip("/")
        self.csv = self.raiz + "/dados/silver/csv"

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

    def existe(self, caminho):
        alvo, sistema = self._abrir(caminho)
        return sistema.exists(alvo)

    def apagar(self, caminho):
        """Deletes a file or a whole folder; a missing one is as good as deleted."""
        alvo, sistema = self._abrir(caminho)
        if sistema.exists(alvo):
            sistema.delete(alvo, True)

    def escrever_json(self, caminho, conteudo):
        alvo, sistema = self._abrir(caminho)
        texto = json.dumps(conteudo, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        saida = sistema.create(alvo, True)
        try:
            saida.write(bytearray(texto.encode("utf-8")))
        finally:
            saida.close()

    def ler_json(self, caminho):
        alvo, sistema = self._abrir(caminho)
        entrada = sistema.open(alvo)
        try:
            return json.loads(self._spark._jvm.org.apache.commons.io.IOUtils.toString(entrada, "UTF-8"))
        finally:
            entrada.close()

    def ler_silver(self, tabela):
        return self._spark.read.schema(ESQUEMAS_SILVER[tabela]).parquet(self.silver(tabela))

    def _abrir(self, caminho):
        alvo = self._spark._jvm.org.apache.hadoop.fs.Path(caminho)
        return alvo, alvo.getFileSystem(self._spark._jsc.hadoopConfiguration())


def preparar_sessao(spark):
    """Settings whose meaning the jobs rely on, whatever the cluster's defaults are.

    * Without ANSI mode a cast that fails gives null, which the rules turn into a reason; with it the job would die.
    * Static overwrite: partitions that the input no longer has must go, and EMR's S3-optimised committer works
      only with it.
    * A few shuffle partitions suit a daily batch; a cluster that sets its own number keeps it.
    """
    spark.conf.set("spark.sql.ansi.enabled", "false")
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "static")
    if not spark.sparkContext.getConf().contains("spark.sql.shuffle.partitions"):
        spark.conf.set("spark.sql.shuffle.partitions", "8")
    return spark


def executar_trabalho(nome, funcao, argv=None):
    """Entry point of a job: parses the arguments, runs it, and makes sure that a failure ends in one clear line.

    EMR shows the last exception line of a failed step. Spark's own errors are pages long and end in Java frames, so
    the whole trace is printed first and the cause is raised again as the last line.
    """
    opcoes = _argumentos(nome, argv)
    spark = SparkSession.builder.appName("mrhealth-" + nome).getOrCreate()
    try:
        funcao(spark, opcoes.lago, opcoes.data)
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
    leitor.add_argument("--data", type=_data, metavar="AAAA-MM-DD", help="data de negócio desta execução")
    return leitor.parse_args(argv)


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
