"""The gold tables: the schema of each, and how its rows are made.

Tables whose name begins with ``_`` are sums that the others are made of; they are no result for anybody to read.
"""

from pyspark.sql import Window
from pyspark.sql import functions as F
from pyspark.sql.types import NumericType

from lago import CANCELADO, DINHEIRO, FINALIZADO, INDEFINIDO, PENDENTE, TOTAL

#: What is counted of a group of orders: ``_medidas``.
_MEDIDAS = (
    "pedidos bigint, receita {0}, pedidos_finalizados bigint, pedidos_pendentes bigint, pedidos_cancelados bigint, "
    "valor_pendente {0}, valor_cancelado {0}, taxa_entrega {0}"
)
_UNIDADE = "id_unidade int, filial string, estado string, id_pais string, pais string"
_SOMA_VENDAS = (
    "id_unidade int, tipo string, status string, pedidos bigint, valor {0}, taxa_entrega {0}, primeiro date, ultimo date"
)
_SOMA_PRODUTOS = (
    "id_unidade int, id_produto int, status string, pedidos bigint, quantidade bigint, valor_itens {0}, "
    "preco_minimo {1}, preco_maximo {1}"
)

#: Table -> schema, order of its rows, partition column (the last one of the schema) or None.
ESQUEMAS = {
    nome: (esquema.format(TOTAL, DINHEIRO), ordem.split(), coluna)
    for nome, esquema, ordem, coluna in [
        (
            "vendas_diarias",
            _UNIDADE + ", tipo string, status string, pedidos bigint, valor {0}, taxa_entrega {0}, data date",
            "id_unidade tipo status",
            "data",
        ),
        (
            "vendas_produto_diarias",
            "id_unidade int, id_produto int, produto string, status string, pedidos bigint, quantidade bigint, "
            "valor_itens {0}, preco_minimo {1}, preco_maximo {1}, data date",
            "id_unidade id_produto status",
            "data",
        ),
        (
            "vendas_consolidadas",
            _UNIDADE + ", id_pedido bigint, ano int, mes int, tipo string, status string, valor {1}, taxa_entrega {1}, "
            "itens bigint, quantidade bigint, valor_itens {0}, itens_ambiguos bigint, data date",
            "id_unidade id_pedido",
            "data",
        ),
        ("vendas_por_ano", "ano int, id_unidade int, filial string, id_pais string, pais string, " + _MEDIDAS, "ano id_unidade", None),
        ("vendas_por_unidade", _UNIDADE + ", " + _MEDIDAS + ", primeiro_pedido date, ultimo_pedido date", "id_unidade", None),
        ("vendas_por_pais", "id_pais string, pais string, unidades bigint, unidades_com_pedidos bigint, " + _MEDIDAS, "id_pais", None),
        (
            "vendas_por_produto",
            "id_produto int, produto string, pedidos bigint, quantidade bigint, valor_itens {0}, "
            "quantidade_pendente bigint, valor_pendente {0}, quantidade_cancelada bigint, valor_cancelado {0}, "
            "quantidade_indefinida bigint, valor_indefinido {0}, quantidade_total bigint, valor_total {0}, "
            "quantidade_ambigua bigint, preco_minimo {1}, preco_maximo {1}",
            "id_produto",
            None,
        ),
        (
            "ticket_medio",
            _UNIDADE + ", tipo string, pedidos bigint, receita {0}, ticket_medio {1}, mes string",
            "id_unidade tipo",
            "mes",
        ),
        (
            "cancelamentos",
            _UNIDADE + ", tipo string, pedidos bigint, cancelados bigint, valor_pedidos {0}, valor_cancelado {0}, "
            "percentual decimal(5,2), mes string",
            "id_unidade tipo",
            "mes",
        ),
        (
            "ranking_produtos_unidade",
            "id_unidade int, filial string, posicao int, id_produto int, produto string, pedidos bigint, "
            "quantidade bigint, valor_itens {0}, participacao decimal(5,2), ano int",
            "id_unidade posicao",
            "ano",
        ),
        (
            "qualidade_arquivos",
            "id_unidade int, tabela string, arquivo string, lidas bigint, aceitas bigint, recusadas bigint, "
            "normalizacoes bigint, detalhe string, tamanho bigint, recebido_em timestamp, data date",
            "arquivo",
            "data",
        ),
        (
            "qualidade_unidades",
            "id_unidade int, filial string, enviou boolean, pedidos bigint, itens bigint, pedidos_recusados bigint, "
            "itens_recusados bigint, valor_pedidos {0}, valor_itens {0}, taxa_entrega {0}, diferenca {0}, "
            "pedidos_divergentes bigint, recebido_em timestamp, atraso_horas decimal(10,2), data date",
            "id_unidade",
            "data",
        ),
        (
            "motivos_quarentena",
            "id_unidade int, tabela string, motivo string, linhas bigint, arquivos bigint, exemplo string, data date",
            "tabela motivo id_unidade",
            "data",
        ),
        ("_vendas_mensais", _SOMA_VENDAS + ", mes string", "id_unidade tipo status", "mes"),
        ("_vendas_anuais", _SOMA_VENDAS + ", ano int", "id_unidade tipo status", "ano"),
        ("_produtos_mensais", _SOMA_PRODUTOS + ", mes string", "id_unidade id_produto status", "mes"),
        ("_produtos_anuais", _SOMA_PRODUTOS + ", ano int", "id_unidade id_produto status", "ano"),
    ]
}
#: How many products of a unit the ranking lists.
POSICOES = 10


# --- by day ------------------------------------------------------------------------------------------------------


def vendas_consolidadas(pedido, filiais, item):
    """One row per order (key: id_unidade, data, id_pedido), whatever its status; partitioned by data.

    id_unidade, filial, estado, id_pais, pais: the unit and where it is.
    id_pedido, ano, mes, tipo, status, data: the order; ``tipo`` is Loja Online or Loja Física.
    valor, taxa_entrega: Vlr_Pedido and Taxa_Entrega as the unit states them, decimal(12,2).
    itens, quantidade, valor_itens: lines, pieces and Qtd * Vlr_Item of the items known to be this order's.
    itens_ambiguos: item lines of this order number whose unit is unknown: some, none or all may be this order's.

    Addresses stay in silver: no metric needs to know where a customer lives.
    """
    chave = ["id_unidade", "data", "id_pedido"]
    linha = F.col("qtd") * F.col("vlr_item")
    conhecidos = item.filter("not ambiguo").groupBy(*chave).agg(
        F.count("*").alias("itens"),
        F.sum("qtd").alias("quantidade"),
        F.sum(linha).cast(TOTAL).alias("valor_itens"),
    )
    # Only flat files have ambiguous items, and all flat orders are made anew together.
    ambiguos = (
        item.filter("ambiguo")
        .select("id_pedido", F.explode("unidades_candidatas").alias("id_unidade"))
        .groupBy("id_unidade", "id_pedido")
        .agg(F.count("*").alias("itens_ambiguos"))
        .withColumn("do_plano", F.lit(True))
    )
    juntos = pedido.withColumn("do_plano", ~F.col("arquivo").startswith("unidade="))
    juntos = juntos.join(F.broadcast(filiais), "id_unidade", "left").join(conhecidos, chave, "left")
    return juntos.join(ambiguos, ["id_unidade", "id_pedido", "do_plano"], "left").select(
        *filiais.columns,
        "id_pedido",
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
        "data",
    )


def vendas_diarias(consolidadas):
    """One row per day, unit, tipo and status with at least one order; partitioned by data.

    id_unidade, filial, estado, id_pais, pais, tipo, status.
    pedidos: orders. valor: sum of Vlr_Pedido. taxa_entrega: sum of Taxa_Entrega. Revenue is the rows Finalizado.
    """
    chave = ["id_unidade", "filial", "estado", "id_pais", "pais", "tipo", "status", "data"]
    return consolidadas.groupBy(*chave).agg(
        F.count("*").alias("pedidos"),
        F.sum("valor").cast(TOTAL).alias("valor"),
        F.sum("taxa_entrega").cast(TOTAL).alias("taxa_entrega"),
    )


def vendas_produto_diarias(item, produto):
    """One row per day, unit, product and order status with at least one item; partitioned by data.

    id_unidade: null for items of flat files that several units' orders could own.
    id_produto, produto. status: the order's, Indefinido when an ambiguous item's possible orders do not agree.
    pedidos: orders with the product. quantidade: pieces. valor_itens: Qtd * Vlr_Item.
    preco_minimo, preco_maximo: lowest and highest Vlr_Item.
    data: the order's day; the partition without a date has ambiguous items whose possible orders differ in it.
    """
    produtos = F.broadcast(produto.select("id_produto", F.col("nome_produto").alias("produto")))
    somas = item.groupBy("data", "id_unidade", "id_produto", "status").agg(
        F.countDistinct("id_pedido").alias("pedidos"),
        F.sum("qtd").alias("quantidade"),
        F.sum(F.col("qtd") * F.col("vlr_item")).cast(TOTAL).alias("valor_itens"),
        F.min("vlr_item").alias("preco_minimo"),
        F.max("vlr_item").alias("preco_maximo"),
    )
    return somas.join(produtos, "id_produto", "left")


# --- sums of days, and what is made of them ----------------------------------------------------------------------


def somar_vendas(df, coluna):
    """Orders of a month or year by unit, tipo and status. ``primeiro``, ``ultimo``: the days of the first and last."""
    if "data" in df.columns:
        df = df.withColumn("primeiro", F.col("data")).withColumn("ultimo", F.col("data"))
    return df.groupBy(coluna, "id_unidade", "tipo", "status").agg(
        F.sum("pedidos").alias("pedidos"),
        F.sum("valor").cast(TOTAL).alias("valor"),
        F.sum("taxa_entrega").cast(TOTAL).alias("taxa_entrega"),
        F.min("primeiro").alias("primeiro"),
        F.max("ultimo").alias("ultimo"),
    )


def somar_produtos(df, coluna):
    """Items of a month or year by unit, product and status."""
    return df.groupBy(coluna, "id_unidade", "id_produto", "status").agg(
        F.sum("pedidos").alias("pedidos"),
        F.sum("quantidade").alias("quantidade"),
        F.sum("valor_itens").cast(TOTAL).alias("valor_itens"),
        F.min("preco_minimo").alias("preco_minimo"),
        F.max("preco_maximo").alias("preco_maximo"),
    )


def ticket_medio(mensais, filiais):
    """One row per month, unit and tipo with at least one Finalizado order; partitioned by mes (``2024-11``).

    id_unidade, filial, estado, id_pais, pais, tipo.
    pedidos, receita: Finalizado orders and their value. ticket_medio: receita / pedidos, rounded to cents.
    """
    somas = mensais.filter(F.col("status") == FINALIZADO).groupBy("mes", "id_unidade", "tipo").agg(
        F.sum("pedidos").alias("pedidos"), F.sum("valor").cast(TOTAL).alias("receita")
    )
    somas = somas.withColumn("ticket_medio", F.round(F.col("receita") / F.col("pedidos"), 2).cast(DINHEIRO))
    return somas.join(F.broadcast(filiais), "id_unidade", "left")


def cancelamentos(mensais, filiais):
    """One row per month, unit and tipo with at least one order; partitioned by mes (``2024-11``).

    id_unidade, filial, estado, id_pais, pais, tipo. pedidos, valor_pedidos: all orders and their value.
    cancelados, valor_cancelado: the cancelled ones. percentual: cancelados of pedidos, in percent.
    """
    cancelado = F.col("status") == CANCELADO
    somas = mensais.groupBy("mes", "id_unidade", "tipo").agg(
        F.sum("pedidos").alias("pedidos"),
        _soma(cancelado, "pedidos", "bigint").alias("cancelados"),
        F.sum("valor").cast(TOTAL).alias("valor_pedidos"),
        _soma(cancelado, "valor", TOTAL).alias("valor_cancelado"),
    )
    percentual = F.round(F.col("cancelados") * 100 / F.col("pedidos"), 2).cast("decimal(5,2)")
    return somas.withColumn("percentual", percentual).join(F.broadcast(filiais), "id_unidade", "left")


def ranking_produtos_unidade(anuais, filiais, produto):
    """The products that a unit sold most in a year, at most ``POSICOES`` of them; partitioned by ano.

    id_unidade, filial, id_produto, produto. pedidos, quantidade, valor_itens: in Finalizado orders, of items known to be
    the unit's. posicao: 1 for the most pieces; at the same number more money first, then the lower id_produto.
    participacao: valor_itens of all that the unit's items came to in the year, in percent.
    """
    vendidos = anuais.filter((F.col("status") == FINALIZADO) & F.col("id_unidade").isNotNull() & F.col("ano").isNotNull())
    da_unidade = Window.partitionBy("ano", "id_unidade")
    ordem = da_unidade.orderBy(F.desc("quantidade"), F.desc("valor_itens"), "id_produto")
    parte = F.round(F.col("valor_itens") * 100 / F.sum("valor_itens").over(da_unidade), 2).cast("decimal(5,2)")
    postos = vendidos.withColumn("posicao", F.row_number().over(ordem)).withColumn("participacao", parte)
    produtos = F.broadcast(produto.select("id_produto", F.col("nome_produto").alias("produto")))
    nomes = F.broadcast(filiais.select("id_unidade", "filial"))
    return postos.filter(F.col("posicao") <= POSICOES).join(nomes, "id_unidade", "left").join(produtos, "id_produto", "left")


def vendas_por_ano(anuais, filiais):
    """One row per year and unit with at least one order in that year, whatever the orders' status.

    ano, id_unidade, filial (the unit's name), id_pais, pais.
    pedidos, receita, pedidos_finalizados, pedidos_pendentes, pedidos_cancelados, valor_pendente, valor_cancelado,
    taxa_entrega: see ``_medidas``.

    A unit without orders in a year has no row here; ``vendas_por_unidade`` shows it.
    """
    return anuais.groupBy("ano", "id_unidade").agg(*_medidas()).join(F.broadcast(filiais), "id_unidade", "left")


def vendas_por_unidade(anuais, filiais):
    """One row per unit of the reference table: a unit without orders is there with zeros.

    id_unidade, filial, estado, id_pais, pais; the measures of ``_medidas`` over all years;
    primeiro_pedido, ultimo_pedido: dates of its first and last order, null without any.
    A unit that had orders and is no longer in the reference table stays, without a name.
    """
    medidas = anuais.groupBy("id_unidade").agg(
        *(_medidas() + [F.min("primeiro").alias("primeiro_pedido"), F.max("ultimo").alias("ultimo_pedido")])
    )
    return _zerar(filiais.join(medidas, "id_unidade", "full"), medidas.drop("id_unidade").columns)


def vendas_por_pais(anuais, filiais, pais):
    """One row per country of the reference table, with or without orders.

    id_pais, pais; unidades: units that the country has; unidades_com_pedidos: those that ever had an order;
    the measures of ``_medidas`` over all years. Orders of units without a country have a row without one.
    """
    do_pais = F.broadcast(filiais.select("id_unidade", "id_pais"))
    unidades = filiais.groupBy("id_pais").agg(F.count("*").alias("unidades"))
    medidas = anuais.join(do_pais, "id_unidade", "left").groupBy("id_pais").agg(
        F.countDistinct("id_unidade").alias("unidades_com_pedidos"), *_medidas()
    )
    paises = pais.select("id_pais", F.col("nome_pais").alias("pais"))
    juntos = paises.join(unidades, "id_pais", "left").join(medidas, "id_pais", "full")
    return _zerar(juntos, ["unidades"] + medidas.drop("id_pais").columns)


def vendas_por_produto(anuais, produto):
    """One row per product of the reference table, sold or not.

    id_produto, produto.
    pedidos, quantidade, valor_itens: orders with it, pieces and Qtd * Vlr_Item in Finalizado orders: what was sold.
    quantidade_pendente, valor_pendente, quantidade_cancelada, valor_cancelado: the same in orders of those statuses.
    quantidade_indefinida, valor_indefinido: in ambiguous items whose possible orders differ in status (or one of
    them is in quarantine), so that nobody can say whether they were sold.
    quantidade_total, valor_total: all of the above together.
    quantidade_ambigua: pieces in this row whose unit is unknown, whatever their status.
    preco_minimo, preco_maximo: lowest and highest Vlr_Item there ever was, whatever the status.

    An ambiguous item counts by status like any other when all its possible orders have the same one. ``pedidos``
    counts such an order number once.
    """
    por_status = [
        (FINALIZADO, "quantidade", "valor_itens"),
        (PENDENTE, "quantidade_pendente", "valor_pendente"),
        (CANCELADO, "quantidade_cancelada", "valor_cancelado"),
        (INDEFINIDO, "quantidade_indefinida", "valor_indefinido"),
    ]
    somas = [_soma(F.col("status") == FINALIZADO, "pedidos", "bigint").alias("pedidos")]
    for status, quantidade, valor in por_status:
        somas.append(_soma(F.col("status") == status, "quantidade", "bigint").alias(quantidade))
        somas.append(_soma(F.col("status") == status, "valor_itens", TOTAL).alias(valor))
    somas += [
        F.sum("quantidade").alias("quantidade_total"),
        F.sum("valor_itens").cast(TOTAL).alias("valor_total"),
        _soma(F.col("id_unidade").isNull(), "quantidade", "bigint").alias("quantidade_ambigua"),
    ]
    precos = [F.min("preco_minimo").alias("preco_minimo"), F.max("preco_maximo").alias("preco_maximo")]
    vendas = anuais.groupBy("id_produto").agg(*(somas + precos))
    produtos = produto.select("id_produto", F.col("nome_produto").alias("produto"))
    zeradas = [c for c in vendas.columns if c not in ("id_produto", "preco_minimo", "preco_maximo")]
    return _zerar(produtos.join(vendas, "id_produto", "full"), zeradas)


# --- what they are made of ---------------------------------------------------------------------------------------


def filiais_de(silver):
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


def _medidas():
    """What is counted of a group of orders, from its sums by status.

    pedidos: all of them. receita: value of the Finalizado ones. pedidos_finalizados, pedidos_pendentes,
    pedidos_cancelados: by status. valor_pendente, valor_cancelado: value of those. taxa_entrega: delivery fees of the
    Finalizado ones.
    """
    de = {nome: F.col("status") == nome for nome in (FINALIZADO, PENDENTE, CANCELADO)}
    return [
        F.sum("pedidos").alias("pedidos"),
        _soma(de[FINALIZADO], "valor", TOTAL).alias("receita"),
        _soma(de[FINALIZADO], "pedidos", "bigint").alias("pedidos_finalizados"),
        _soma(de[PENDENTE], "pedidos", "bigint").alias("pedidos_pendentes"),
        _soma(de[CANCELADO], "pedidos", "bigint").alias("pedidos_cancelados"),
        _soma(de[PENDENTE], "valor", TOTAL).alias("valor_pendente"),
        _soma(de[CANCELADO], "valor", TOTAL).alias("valor_cancelado"),
        _soma(de[FINALIZADO], "taxa_entrega", TOTAL).alias("taxa_entrega"),
    ]


def _soma(condicao, valor, tipo):
    """Sum over the rows that meet the condition, 0 for none."""
    return F.coalesce(F.sum(F.when(condicao, F.col(valor))), F.lit(0)).cast(tipo)


def _zerar(df, colunas):
    """Zero instead of null in the numbers of a row that nothing joined. Casts keep the decimals' type."""
    numeros = {c.name: c.dataType for c in df.schema if c.name in colunas and isinstance(c.dataType, NumericType)}
    zerados = [F.coalesce(c, F.lit(0)).cast(numeros[c]).alias(c) if c in numeros else F.col(c) for c in df.columns]
    return df.select(*zerados)
