"""Gold: metrics for the business, one small parquet file per table under ``dados/gold/<table>``.

All tables are computed anew from the whole silver layer, so a late or corrected order changes every figure that it
should. What holds in all of them:

* ``receita`` sums ``Vlr_Pedido`` of orders with status Finalizado. Pending and cancelled orders have columns of their
  own beside it, so that ``pedidos`` = ``pedidos_finalizados`` + ``pedidos_pendentes`` + ``pedidos_cancelados``.
* ``Vlr_Pedido`` belongs to the order. It is never joined with items before it is summed. It is taken as the units
  state it: the delivery fee is neither added nor taken off, and has columns of its own.
* ``Vlr_Item`` is the price of one piece (README.md gives the evidence): a line is worth ``Qtd * Vlr_Item``.
* Sums of money are decimal(18,2).

After writing, the tables are read back and must agree with silver on orders and money; else the job fails.
"""

from pyspark.sql import functions as F
from pyspark.sql.types import NumericType
from pyspark.storagelevel import StorageLevel

from lago import (
    CANCELADO,
    FINALIZADO,
    PENDENTE,
    TOTAL,
    Lago,
    PipelineError,
    executar_trabalho,
    preparar_sessao,
    tabela_alinhada,
)

#: The status of an item whose candidate orders do not agree on one.
INDEFINIDO = "Indefinido"


def executar(spark, raiz, data=None):
    """Runs the job on the lake at ``raiz``; returns the rows per table that it also prints and stores."""
    lago = Lago(preparar_sessao(spark), raiz)
    if not lago.existe(lago.contagens("silver")):
        raise PipelineError(
            "a camada silver está incompleta: falta {} (execute o passo silver antes)".format(lago.contagens("silver"))
        )
    silver = {nome: lago.ler_silver(nome) for nome in ("pais", "estado", "unidade", "produto", "pedido", "item_pedido")}
    filiais = _filiais(silver).persist(StorageLevel.MEMORY_AND_DISK)
    itens = _itens(silver).persist(StorageLevel.MEMORY_AND_DISK)
    pedidos = vendas_consolidadas(silver["pedido"], filiais, itens).persist(StorageLevel.MEMORY_AND_DISK)

    tabelas = {
        "vendas_consolidadas": (pedidos, ["data", "id_unidade", "id_pedido"]),
        "vendas_por_ano": (vendas_por_ano(pedidos), ["ano", "id_unidade"]),
        "vendas_por_filial": (vendas_por_filial(pedidos, filiais), ["id_unidade"]),
        "vendas_por_pais": (vendas_por_pais(pedidos, filiais, silver["pais"]), ["id_pais"]),
        "vendas_por_produto": (vendas_por_produto(itens, silver["produto"]), ["id_produto"]),
    }
    lago.apagar(lago.contagens("gold"))
    for nome, (df, ordem) in tabelas.items():
        df.coalesce(1).sortWithinPartitions(*ordem).write.mode("overwrite").parquet(lago.gold(nome))
    resumo = conferir(spark, lago, {nome: df.schema for nome, (df, _) in tabelas.items()}, silver, data)
    if data:
        lago.escrever_json(lago.contagens("gold", data), resumo)
    lago.escrever_json(lago.contagens("gold"), resumo)
    print(relatorio(resumo, raiz), flush=True)
    for df in (pedidos, itens, filiais):
        df.unpersist()
    return resumo


# --- the tables --------------------------------------------------------------------------------------------------


def vendas_consolidadas(pedido, filiais, itens):
    """One row per order (key: id_unidade, id_pedido), whatever its status.

    id_unidade, filial, estado, id_pais, pais: the unit and where it is.
    id_pedido, data, ano, mes, tipo, status: the order; ``tipo`` is Loja Online or Loja Física.
    valor, taxa_entrega: Vlr_Pedido and Taxa_Entrega as the unit states them, decimal(12,2).
    itens, quantidade, valor_itens: lines, pieces and Qtd * Vlr_Item of the items known to be this order's.
    itens_ambiguos: item lines of this order number whose unit is unknown: some, none or all may be this order's.

    Addresses stay in silver: no metric needs to know where a customer lives.
    """
    conhecidos = (
        itens.filter("not ambiguo")
        .groupBy("id_unidade", "id_pedido")
        .agg(F.count("*").alias("itens"), F.sum("qtd").alias("quantidade"), F.sum("valor_linha").alias("valor_itens"))
    )
    ambiguos = (
        itens.filter("ambiguo")
        .select("id_pedido", F.explode("unidades_candidatas").alias("id_unidade"))
        .groupBy("id_unidade", "id_pedido")
        .agg(F.count("*").alias("itens_ambiguos"))
    )
    chave = ["id_unidade", "id_pedido"]
    return (
        pedido.join(F.broadcast(filiais), "id_unidade")
        .join(conhecidos, chave, "left")
        .join(ambiguos, chave, "left")
        .select(
            "id_unidade",
            "filial",
            "estado",
            "id_pais",
            "pais",
            "id_pedido",
            "data",
            F.year("data").alias("ano"),
            F.month("data").alias("mes"),
            F.col("tipo_pedido").alias("tipo"),
            "status",
            F.col("vlr_pedido").alias("valor"),
            "taxa_entrega",
            F.coalesce("itens", F.lit(0)).alias("itens"),
            F.coalesce("quantidade", F.lit(0)).alias("quantidade"),
            F.coalesce("valor_itens", F.lit(0)).cast(TOTAL).alias("valor_itens"),
            F.coalesce("itens_ambiguos", F.lit(0)).alias("itens_ambiguos"),
        )
    )


def vendas_por_ano(pedidos):
    """One row per year and unit with at least one order in that year, whatever the orders' status.

    ano, id_unidade, filial (the unit's name), id_pais, pais.
    pedidos, receita, pedidos_finalizados, pedidos_pendentes, pedidos_cancelados, valor_pendente, valor_cancelado,
    taxa_entrega: see ``_medidas``.

    A unit without orders in a year has no row here; ``vendas_por_filial`` shows it.
    """
    return pedidos.groupBy("ano", "id_unidade", "filial", "id_pais", "pais").agg(*_medidas())


def vendas_por_filial(pedidos, filiais):
    """One row per unit of the reference table: a unit without orders is there with zeros.

    id_unidade, filial, estado, id_pais, pais; the measures of ``_medidas`` over all years;
    primeiro_pedido, ultimo_pedido: dates of its first and last order, null without any.
    """
    medidas = pedidos.groupBy("id_unidade").agg(
        *(_medidas() + [F.min("data").alias("primeiro_pedido"), F.max("data").alias("ultimo_pedido")])
    )
    return _zerar(filiais.join(medidas, "id_unidade", "left"), medidas.columns)


def vendas_por_pais(pedidos, filiais, pais):
    """One row per country of the reference table, with or without orders.

    id_pais, pais; unidades: units that the country has; unidades_com_pedidos: those that ever had an order;
    the measures of ``_medidas`` over all years.
    """
    unidades = filiais.groupBy("id_pais").agg(F.count("*").alias("unidades"))
    medidas = pedidos.groupBy("id_pais").agg(
        F.size(F.collect_set("id_unidade")).cast("bigint").alias("unidades_com_pedidos"), *_medidas()
    )
    paises = pais.select("id_pais", F.col("nome_pais").alias("pais"))
    juntos = paises.join(unidades, "id_pais", "left").join(medidas, "id_pais", "left")
    return _zerar(juntos, unidades.columns + medidas.columns)


def vendas_por_produto(itens, produto):
    """One row per product of the reference table, sold or not.

    id_produto, produto.
    pedidos, quantidade, valor_itens: orders with it, pieces and Qtd * Vlr_Item in Finalizado orders: what was sold.
    quantidade_pendente, valor_pendente, quantidade_cancelada, valor_cancelado: the same in orders of those statuses.
    quantidade_indefinida, valor_indefinido: in ambiguous items whose candidate orders differ in status (or one of
    them is in quarantine), so that nobody can say whether they were sold.
    quantidade_total, valor_total: all of the above together.
    itens_ambiguos: item lines in this row whose unit is unknown, whatever their status.

    An ambiguous item counts by status like any other when all its candidate orders have the same one. ``pedidos``
    counts such an order number once.
    """
    por_status = [
        (FINALIZADO, "quantidade", "valor_itens"),
        (PENDENTE, "quantidade_pendente", "valor_pendente"),
        (CANCELADO, "quantidade_cancelada", "valor_cancelado"),
        (INDEFINIDO, "quantidade_indefinida", "valor_indefinido"),
    ]
    vendido = F.when(F.col("status") == FINALIZADO, F.concat_ws("/", F.coalesce("id_unidade", F.lit(0)), "id_pedido"))
    medidas = [F.size(F.collect_set(vendido)).cast("bigint").alias("pedidos")]
    for status, quantidade, valor in por_status:
        medidas.append(_soma(F.col("status") == status, "qtd", "bigint").alias(quantidade))
        medidas.append(_soma(F.col("status") == status, "valor_linha", TOTAL).alias(valor))
    medidas += [
        F.sum("qtd").alias("quantidade_total"),
        F.sum("valor_linha").cast(TOTAL).alias("valor_total"),
        _soma(F.col("ambiguo"), F.lit(1), "bigint").alias("itens_ambiguos"),
    ]
    vendas = itens.groupBy("id_produto").agg(*medidas)
    produtos = produto.select("id_produto", F.col("nome_produto").alias("produto"))
    return _zerar(produtos.join(vendas, "id_produto", "left"), vendas.columns)


# --- what they are made of ---------------------------------------------------------------------------------------


def _filiais(silver):
    """Units with their state and country."""
    return (
        silver["unidade"]
        .join(F.broadcast(silver["estado"].drop("arquivo")), "id_estado")
        .join(F.broadcast(silver["pais"].drop("arquivo")), "id_pais")
        .select(
            "id_unidade",
            F.col("nome_unidade").alias("filial"),
            F.col("nome_estado").alias("estado"),
            "id_pais",
            F.col("nome_pais").alias("pais"),
        )
    )


def _itens(silver):
    """Item lines with their worth and their order's status, ``Indefinido`` when the candidate orders differ."""
    status = silver["pedido"].groupBy("id_pedido").agg(
        F.map_from_entries(F.collect_list(F.struct("id_unidade", "status"))).alias("_status")
    )
    possiveis = F.array_distinct(F.transform("unidades_candidatas", lambda unidade: F.col("_status")[unidade]))
    unico = F.when(F.size(possiveis) == 1, possiveis[0])
    return silver["item_pedido"].join(status, "id_pedido", "left").select(
        "id_unidade",
        "id_pedido",
        "id_produto",
        "qtd",
        (F.col("qtd") * F.col("vlr_item")).cast(TOTAL).alias("valor_linha"),
        "ambiguo",
        "unidades_candidatas",
        F.coalesce(unico, F.lit(INDEFINIDO)).alias("status"),
    )


def _medidas():
    """What is counted of a group of orders.

    pedidos: all of them. receita: value of the Finalizado ones. pedidos_finalizados, pedidos_pendentes,
    pedidos_cancelados: by status. valor_pendente, valor_cancelado: value of those. taxa_entrega: delivery fees of the
    Finalizado ones.
    """
    de = {nome: F.col("status") == nome for nome in (FINALIZADO, PENDENTE, CANCELADO)}
    return [
        F.count("*").alias("pedidos"),
        _soma(de[FINALIZADO], "valor", TOTAL).alias("receita"),
        _soma(de[FINALIZADO], F.lit(1), "bigint").alias("pedidos_finalizados"),
        _soma(de[PENDENTE], F.lit(1), "bigint").alias("pedidos_pendentes"),
        _soma(de[CANCELADO], F.lit(1), "bigint").alias("pedidos_cancelados"),
        _soma(de[PENDENTE], "valor", TOTAL).alias("valor_pendente"),
        _soma(de[CANCELADO], "valor", TOTAL).alias("valor_cancelado"),
        _soma(de[FINALIZADO], "taxa_entrega", TOTAL).alias("taxa_entrega"),
    ]


def _soma(condicao, valor, tipo):
    """Sum over the rows that meet the condition, 0 for none."""
    valor = F.col(valor) if isinstance(valor, str) else valor
    return F.coalesce(F.sum(F.when(condicao, valor)), F.lit(0)).cast(tipo)


def _zerar(df, colunas):
    """Zero instead of null in the numbers of a row that nothing joined. Casts keep the decimals' type."""
    numeros = {c.name: c.dataType for c in df.schema if c.name in colunas and isinstance(c.dataType, NumericType)}
    zerados = [F.coalesce(c, F.lit(0)).cast(numeros[c]).alias(c) if c in numeros else F.col(c) for c in df.columns]
    return df.select(*zerados)


# --- checking and reporting --------------------------------------------------------------------------------------


def conferir(spark, lago, esquemas, silver, data):
    """Reads the tables back: the same orders and money as silver must be in each of them."""
    partes = [
        _totais("silver", silver["pedido"], F.sum("vlr_pedido")),
        _totais("itens", silver["item_pedido"], F.sum(F.col("qtd") * F.col("vlr_item"))),
    ]
    for nome, esquema in esquemas.items():
        df = spark.read.schema(esquema).parquet(lago.gold(nome))
        if nome == "vendas_consolidadas":
            valor, pedidos, receita = F.sum("valor"), F.count("*"), _soma(F.col("status") == FINALIZADO, "valor", TOTAL)
        elif nome == "vendas_por_produto":
            valor, pedidos, receita = F.sum("valor_total"), None, None
        else:
            valor = F.sum(F.expr("receita + valor_pendente + valor_cancelado"))
            pedidos, receita = F.sum("pedidos"), F.sum("receita")
        partes.append(_totais(nome, df, valor, pedidos, receita))
    unidos = partes[0]
    for parte in partes[1:]:
        unidos = unidos.unionAll(parte)
    totais = {linha["tabela"]: linha for linha in unidos.collect()}

    for nome in esquemas:
        origem = totais["itens" if nome == "vendas_por_produto" else "silver"]
        destino = totais[nome]
        confere_pedidos = destino["pedidos"] is None or destino["pedidos"] == origem["linhas"]
        if destino["valor"] != origem["valor"] or not confere_pedidos:
            raise PipelineError(
                "{} não confere com silver: {} pedidos e valor {} em silver, {} e {} em {}".format(
                    nome, origem["linhas"], origem["valor"], destino["pedidos"], destino["valor"], lago.gold(nome)
                )
            )
    return {
        "data": data,
        "pedidos": totais["silver"]["linhas"],
        "valor_pedidos": str(totais["silver"]["valor"]),
        "receita": str(totais["vendas_consolidadas"]["receita"]),
        "itens": totais["itens"]["linhas"],
        "valor_itens": str(totais["itens"]["valor"]),
        "tabelas": {nome: totais[nome]["linhas"] for nome in esquemas},
    }


def _totais(nome, df, valor, pedidos=None, receita=None):
    nulo = F.lit(None)
    return df.agg(
        F.count("*").alias("linhas"),
        F.coalesce(valor, F.lit(0)).cast(TOTAL).alias("valor"),
        (nulo if pedidos is None else pedidos).cast("bigint").alias("pedidos"),
        (nulo if receita is None else receita).cast(TOTAL).alias("receita"),
    ).select(F.lit(nome).alias("tabela"), "*")


def relatorio(resumo, raiz):
    """What the job read and wrote, for the step's log."""
    return "\n".join(
        [
            "",
            "gold: {}{}".format(raiz, ", data {}".format(resumo["data"]) if resumo["data"] else ""),
            "",
            tabela_alinhada(["tabela", "linhas"], [[nome, linhas] for nome, linhas in resumo["tabelas"].items()]),
            "",
            "pedidos lidos: {}, valor {}, receita (Finalizado) {}".format(
                resumo["pedidos"], resumo["valor_pedidos"], resumo["receita"]
            ),
            "itens lidos: {}, valor {}".format(resumo["itens"], resumo["valor_itens"]),
            "totais conferem com silver em todas as tabelas",
        ]
    )


if __name__ == "__main__":
    executar_trabalho("gold", executar)
