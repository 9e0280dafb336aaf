"""Qualidade: what can be trusted of the days that gold makes anew. Runs inside the gold step: a step costs seconds.

Rows in quarantine are no failure: they are counted, by file, unit and reason, and the run says so. That the rows of a
file in silver and in quarantine are not as many as its lines is one: nothing is published then.
"""

from pyspark.sql import functions as F

from lago import ESQUEMA_QUARENTENA, PLANO, REFERENCIA, SEM_DATA, TOTAL, PipelineError
from metricas import ESQUEMAS
from regras import DAS_UNIDADES, DE_REFERENCIA

#: Units and reasons that the report names.
_NOMEADAS = 15


def rodar(execucao, filiais, consolidadas):
    """Prepares the quality tables of an ``Execucao`` of gold, checks the counts, and returns what the report says."""
    datas, com_plano = execucao.datas, None in execucao.dias
    sem_data = [None] if com_plano or execucao.com_referencia else []
    lotes = datas + ([PLANO] if com_plano else []) + ([REFERENCIA] if com_plano or execucao.com_referencia else [])
    # One row a file, and few rows refused: in one partition nothing has to be shuffled.
    arquivos = execucao.de_silver("arquivo", "lote", lotes).coalesce(1).persist()
    quarentena = _quarentena(execucao, datas, bool(sem_data)).coalesce(1).persist()

    por_arquivo = execucao.gravar(
        "qualidade_arquivos", qualidade_arquivos(execucao, arquivos, quarentena, com_plano), datas + sem_data
    )
    unidades = qualidade_unidades(execucao.spark, datas, filiais, arquivos, quarentena, consolidadas)
    por_unidade = execucao.gravar("qualidade_unidades", unidades, datas)
    motivos = execucao.gravar("motivos_quarentena", motivos_quarentena(quarentena), datas + sem_data)
    _conferir(por_arquivo)
    resumo = {"ausentes": _ausentes(por_unidade), "motivos": _motivos(motivos)}
    arquivos.unpersist()
    quarentena.unpersist()
    return resumo


def _quarentena(execucao, datas, sem_data):
    """The refused rows of the days; those without a day are of flat files and of head office's tables."""
    lago, partes = execucao.lago, []
    for tabela in DAS_UNIDADES + (DE_REFERENCIA if sem_data else ()):
        valores = (datas if tabela in DAS_UNIDADES else []) + ([SEM_DATA] if sem_data else [])
        df = lago.ler(lago.quarentena(tabela), ESQUEMA_QUARENTENA, "data", valores)
        partes.append(df.withColumn("tabela", F.lit(tabela)))
    da_pasta = F.regexp_extract("arquivo", r"^unidade=(\d+)/", 1).cast("int")
    dia = F.when(F.col("data") != SEM_DATA, F.col("data")).cast("date")
    return _unir(partes).withColumn("id_unidade", da_pasta).withColumn("data", dia)


def qualidade_arquivos(execucao, arquivos, quarentena, com_plano):
    """One row per input file; partitioned by data: the folder's day, no date for flat files and head office's tables.

    id_unidade: the folder's. tabela, arquivo (path below csv/), tamanho (bytes), recebido_em.
    lidas: its lines without header and blank ones. aceitas, recusadas: its rows in silver and in quarantine, counted there.
    normalizacoes: rows and files that were put right; detalhe: what was, ``vazio`` and ``cabecalho_invalido``.
    """
    lago = execucao.lago
    # Of flat files the rows are in the days that gold makes anew together with them.
    partes = [execucao.de_silver(t, "data", execucao.dias).select("arquivo") for t in DAS_UNIDADES]
    if com_plano or execucao.com_referencia:
        partes += [lago.ler_silver(tabela).select("arquivo") for tabela in DE_REFERENCIA]
    aceitas = _unir(partes).groupBy("arquivo").agg(F.count("*").alias("aceitas"))
    recusadas = quarentena.groupBy("arquivo").agg(F.count("*").alias("recusadas"))
    dia = F.when(~F.col("lote").isin(PLANO, REFERENCIA), F.col("lote")).cast("date")
    atuais = (
        arquivos.join(aceitas, "arquivo", "left")
        .join(recusadas, "arquivo", "left")
        .fillna(0, ["aceitas", "recusadas"])
        .withColumn("data", dia)
        .drop("lote")
    )
    if com_plano or not execucao.com_referencia:
        return atuais
    # Only head office's tables are new: what the same partition says of the flat files stays.
    antes = lago.ler_gold("qualidade_arquivos", ESQUEMAS["qualidade_arquivos"][0], "data", [None]).filter(F.col("tabela").isin(list(DAS_UNIDADES)))
    return atuais.unionByName(antes.select(*atuais.columns))


def qualidade_unidades(spark, datas, filiais, arquivos, quarentena, consolidadas):
    """One row per day and unit of the reference table, whether it sent anything or not; partitioned by data.

    id_unidade, filial.
    enviou: an order file that is not empty came from the unit for the day, or a flat file has its orders.
    pedidos, itens: accepted. pedidos_recusados, itens_recusados: rows of its files in quarantine.
    valor_pedidos, taxa_entrega: sums of Vlr_Pedido and Taxa_Entrega of the accepted orders, whatever their status.
    valor_itens: sum of Qtd * Vlr_Item of its accepted items.
    diferenca: sum of Vlr_Pedido - items - Taxa_Entrega, and pedidos_divergentes: orders where that is not 0; of orders
    whose items are all known (those with ambiguous items cannot be compared).
    recebido_em: when the last of its files came, null without any; atraso_horas: hours after the day's end until then.
    """
    diferenca = F.col("valor") - F.col("valor_itens") - F.col("taxa_entrega")
    comparavel = F.col("itens_ambiguos") == 0
    vendas = consolidadas.groupBy("data", "id_unidade").agg(
        F.count("*").alias("pedidos"),
        F.sum("itens").alias("itens"),
        F.sum("valor").cast(TOTAL).alias("valor_pedidos"),
        F.sum("valor_itens").cast(TOTAL).alias("valor_itens"),
        F.sum("taxa_entrega").cast(TOTAL).alias("taxa_entrega"),
        F.sum(F.when(comparavel, diferenca)).cast(TOTAL).alias("diferenca"),
        F.sum((comparavel & (diferenca != 0)).cast("bigint")).alias("pedidos_divergentes"),
    )
    recusas = quarentena.filter("id_unidade is not null and data is not null").groupBy("data", "id_unidade").agg(
        *[F.sum((F.col("tabela") == t).cast("bigint")).alias(n) for t, n in zip(DAS_UNIDADES, _RECUSADAS)]
    )
    chegadas = arquivos.filter("id_unidade is not null").groupBy(F.col("lote").cast("date").alias("data"), "id_unidade").agg(
        F.max((F.col("tabela") == "pedido") & (F.col("tamanho") > 0)).alias("_chegou"),
        F.max("recebido_em").alias("recebido_em"),
    )
    dias = spark.createDataFrame([(dia,) for dia in datas], "data string").select(F.col("data").cast("date"))
    chave = ["data", "id_unidade"]
    df = dias.crossJoin(F.broadcast(filiais.select("id_unidade", "filial")))
    df = df.join(vendas, chave, "left").join(recusas, chave, "left").join(chegadas, chave, "left")
    df = df.withColumn("enviou", F.coalesce("_chegou", F.lit(False)) | F.col("pedidos").isNotNull())
    for coluna in ("pedidos", "itens", "pedidos_divergentes") + _RECUSADAS:
        df = df.withColumn(coluna, F.coalesce(coluna, F.lit(0)))
    for coluna in ("valor_pedidos", "valor_itens", "taxa_entrega", "diferenca"):
        df = df.withColumn(coluna, F.coalesce(coluna, F.lit(0)).cast(TOTAL))
    fim_do_dia = F.unix_timestamp(F.date_add("data", 1).cast("timestamp"))
    atraso = (F.unix_timestamp("recebido_em") - fim_do_dia) / 3600
    return df.withColumn("atraso_horas", F.round(atraso, 2).cast("decimal(10,2)"))


_RECUSADAS = ("pedidos_recusados", "itens_recusados")


def motivos_quarentena(quarentena):
    """One row per day, unit (of the folder), table and reason with refused rows; partitioned by data.

    linhas: rows; arquivos: files that they are of; exemplo: the first of them, as ``file:line column=value``.
    """
    primeira = F.min(F.struct("arquivo", "numero", "detalhe"))
    return quarentena.groupBy("data", "id_unidade", "tabela", "motivo").agg(
        F.count("*").alias("linhas"),
        F.countDistinct("arquivo").alias("arquivos"),
        F.concat(primeira["arquivo"], F.lit(":"), primeira["numero"], F.lit(" "), primeira["detalhe"]).alias("exemplo"),
    )


# --- checking and reporting --------------------------------------------------------------------------------------


def _conferir(por_arquivo):
    errados = por_arquivo.filter("lidas != aceitas + recusadas").collect()
    if errados:
        primeiro = min(errados, key=lambda linha: linha["arquivo"])
        raise PipelineError(
            "as contagens não fecham em {arquivo}: {lidas} linhas lidas, {aceitas} em silver e {recusadas} em quarentena"
            " (reprocesse o dia)".format(**primeiro.asDict())
        )


def _ausentes(por_unidade):
    """Day -> units that did not report."""
    linhas = por_unidade.filter("not enviou").select("data", "id_unidade", "filial").collect()
    ausentes = {}
    for linha in sorted(linhas):
        ausentes.setdefault(linha["data"].isoformat(), []).append("{} ({})".format(linha["filial"], linha["id_unidade"]))
    return ausentes


def _motivos(motivos):
    somas = motivos.coalesce(1).groupBy("tabela", "motivo").agg(F.sum("linhas").alias("linhas")).collect()
    return sorted([linha["tabela"], linha["motivo"], linha["linhas"]] for linha in somas)


def relatorio(resumo):
    """Lines for the step's log."""
    partes = []
    total = sum(linhas for _, _, linhas in resumo["motivos"])
    if total:
        maiores = sorted(resumo["motivos"], key=lambda motivo: -motivo[2])[:_NOMEADAS]
        partes.append("em quarentena: {} linhas ({})".format(total, ", ".join("{2} {0} {1}".format(*m) for m in maiores)))
    for dia in sorted(resumo["ausentes"])[-3:]:
        nomes = resumo["ausentes"][dia]
        mais = " e mais {}".format(len(nomes) - _NOMEADAS) if len(nomes) > _NOMEADAS else ""
        partes.append("não enviaram {}: {}{}".format(dia, ", ".join(nomes[:_NOMEADAS]), mais))
    return partes


def _unir(partes):
    unidas = partes[0]
    for parte in partes[1:]:
        unidas = unidas.unionByName(parte)
    return unidas
