"""Gold: metrics for the business, written anew only where silver has changed.

Silver leaves a mark for every day that it changes. For those days (``dias``) the daily tables are made from silver; then
months are added up from days, years from months, and the tables over the whole history from years, so that a run
reads at most a month of days, a year of months, and one small file per year of history, however long that is.

What holds in all tables:

* ``receita`` sums ``Vlr_Pedido`` of orders with status Finalizado. Pending and cancelled orders have columns of their
  own beside it, so that ``pedidos`` = ``pedidos_finalizados`` + ``pedidos_pendentes`` + ``pedidos_cancelados``.
* ``Vlr_Pedido`` belongs to the order. It is never joined with items before it is summed. It is taken as the units
  state it: the delivery fee is neither added nor taken off, and has columns of its own.
* ``Vlr_Item`` is the price of one piece (README.md gives the evidence): a line is worth ``Qtd * Vlr_Item``.
* Sums of money are decimal(18,2).

Before anything is published the tables are read back and must agree with silver on orders and money; else the job fails.
"""

from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

import qualidade
from lago import (
    ESQUEMAS_SILVER,
    REFERENCIA,
    SEM_DATA,
    SEM_PARTICAO,
    TOTAL,
    Lago,
    PipelineError,
    dias_entre,
    executar_trabalho,
    preparar_sessao,
    tabela_alinhada,
)
from metricas import (
    ESQUEMAS,
    cancelamentos,
    filiais_de,
    ranking_produtos_unidade,
    somar_produtos,
    somar_vendas,
    ticket_medio,
    vendas_consolidadas,
    vendas_diarias,
    vendas_por_ano,
    vendas_por_pais,
    vendas_por_produto,
    vendas_por_unidade,
    vendas_produto_diarias,
)
from publicacao import Publicacao, concluir, interrompidas


def executar(spark, raiz, data=None, de=None, ate=None):
    """Runs the job on the lake at ``raiz``; returns the counts that it also prints and stores."""
    lago = Lago(preparar_sessao(spark), raiz)
    if interrompidas(lago, "silver"):
        raise PipelineError("a publicação de silver foi interrompida ({}): execute o passo silver antes".format(lago.preparo))
    if not lago.existe(lago.contagens("silver")):
        raise PipelineError(
            "a camada silver está incompleta: falta {} (execute o passo silver antes)".format(lago.contagens("silver"))
        )
    retomadas = concluir(lago, "gold")
    marcas = _marcas(lago)
    completo = not data and not de
    dias = _dias(lago, set(marcas) - {REFERENCIA}, completo, [data] if data else dias_entre(de, ate) if de else [])
    com_referencia = completo or REFERENCIA in marcas
    publicacao = Publicacao(lago, "gold")
    try:
        resumo = Execucao(spark, lago, publicacao, dias, completo, com_referencia).rodar()
    except BaseException:
        publicacao.descartar()
        raise
    resumo.update(data=data, de=de, ate=ate, publicacoes_retomadas=retomadas)
    for caminho, marca in marcas.values():
        publicacao.apagar_json(caminho, marca)
    if data:
        publicacao.json(lago.contagens("gold", data), resumo)
    publicacao.json(lago.contagens("gold"), resumo)
    publicacao.publicar()
    print(relatorio(resumo, raiz), flush=True)
    return resumo


def _marcas(lago):
    """What silver has changed: day (None for rows without one) or ``referencia`` to the mark's file and content."""
    arquivos = [arquivo.caminho for arquivo in lago.listar(lago.pendente() + "data=*.json")]
    nomes = [caminho.rsplit("=", 1)[1][: -len(".json")] for caminho in arquivos]
    marcas = zip(arquivos, lago.em_paralelo(lago.ler_json, arquivos))
    return {None if nome == SEM_DATA else nome: marca for nome, marca in zip(nomes, marcas)}


def _dias(lago, marcas, completo, pedidos):
    """The days to make anew: the marked ones and those asked for; every day there is for a complete run."""
    dias = marcas | set(pedidos)
    if completo:
        pastas = [lago.silver("pedido"), lago.silver("item_pedido"), lago.gold("vendas_diarias")]
        valores = {a.caminho.rsplit("=", 1)[1] for pasta in pastas for a in lago.listar(pasta + "/data=*")}
        lotes = {a.caminho.rsplit("=", 1)[1] for a in lago.listar(lago.silver("arquivo") + "/lote=2*")}
        dias |= {None if valor == SEM_PARTICAO else valor for valor in valores | lotes} | {None}
    return sorted(dias, key=str)


class Execucao:
    """One run: what it reads and what it has prepared so far."""

    def __init__(self, spark, lago, publicacao, dias, completo, com_referencia):
        self.spark, self.lago, self.publicacao = spark, lago, publicacao
        self.completo, self.com_referencia = completo, com_referencia
        self.dias = dias
        self.datas = [dia for dia in dias if dia]
        self.meses = sorted({dia and dia[:7] for dia in dias}, key=str)
        self.anos = sorted({dia and dia[:4] for dia in dias}, key=str)
        self.novas = {}

    def rodar(self):
        silver = {nome: self.lago.ler_silver(nome) for nome in ("pais", "estado", "unidade", "produto")}
        filiais = filiais_de(silver).coalesce(1).persist(StorageLevel.MEMORY_AND_DISK)
        pedido = self.de_silver("pedido", "data", self.datas)
        item = self.de_silver("item_pedido", "data", self.dias)
        if len(self.datas) == 1:
            pedido, item = pedido.coalesce(1), item.coalesce(1)
        item = item.persist(StorageLevel.MEMORY_AND_DISK)

        consolidadas, produtos = self.juntas(
            lambda: self.gravar("vendas_consolidadas", vendas_consolidadas(pedido, filiais, item), self.datas),
            lambda: self.gravar("vendas_produto_diarias", vendas_produto_diarias(item, silver["produto"]), self.dias),
        )
        if len(self.datas) == 1:
            consolidadas = consolidadas.coalesce(1)
        consolidadas = consolidadas.persist(StorageLevel.MEMORY_AND_DISK)
        resumo_qualidade, _, _ = self.juntas(
            lambda: qualidade.rodar(self, filiais, consolidadas),
            lambda: self.historico_de_vendas(consolidadas, filiais, silver["pais"]),
            lambda: self.historico_de_produtos(produtos, filiais, silver["produto"]),
        )
        resumo = self.conferir(pedido, item)
        resumo["qualidade"] = resumo_qualidade
        for df in (filiais, item, consolidadas):
            df.unpersist()
        return resumo

    def historico_de_vendas(self, consolidadas, filiais, pais):
        diarias = self.gravar("vendas_diarias", vendas_diarias(consolidadas), self.datas)
        meses = self.acumular("_vendas_mensais", somar_vendas, "mes", self.meses, "vendas_diarias", diarias)
        anos = self.acumular("_vendas_anuais", somar_vendas, "ano", self.anos, "_vendas_mensais", meses)
        todos = self.com_os_outros("_vendas_anuais", anos, "ano", self.anos).coalesce(1)
        meses, com_mes = meses.coalesce(1), [mes for mes in self.meses if mes]
        self.juntas(
            lambda: self.gravar("ticket_medio", ticket_medio(meses, filiais), com_mes),
            lambda: self.gravar("cancelamentos", cancelamentos(meses, filiais), com_mes),
            lambda: self.gravar("vendas_por_ano", vendas_por_ano(todos, filiais)),
            lambda: self.gravar("vendas_por_unidade", vendas_por_unidade(todos, filiais)),
            lambda: self.gravar("vendas_por_pais", vendas_por_pais(todos, filiais, pais)),
        )

    def historico_de_produtos(self, diarias, filiais, produto):
        meses = self.acumular("_produtos_mensais", somar_produtos, "mes", self.meses, "vendas_produto_diarias", diarias)
        anos = self.acumular("_produtos_anuais", somar_produtos, "ano", self.anos, "_produtos_mensais", meses)
        todos, com_ano = self.com_os_outros("_produtos_anuais", anos, "ano", self.anos), [ano for ano in self.anos if ano]
        self.juntas(
            lambda: self.gravar("ranking_produtos_unidade", ranking_produtos_unidade(anos, filiais, produto), com_ano),
            lambda: self.gravar("vendas_por_produto", vendas_por_produto(todos, produto)),
        )

    def juntas(self, *trabalhos):
        """Does several things at once: most of them are too small to keep more than one core busy."""
        return self.lago.em_paralelo(lambda trabalho: trabalho(), trabalhos)

    def de_silver(self, tabela, coluna, valores):
        return self.lago.ler(self.lago.silver(tabela), ESQUEMAS_SILVER[tabela], coluna, valores)

    def gravar(self, nome, df, valores=None):
        """Prepares a table, and returns it as it was written."""
        esquema, ordem, coluna = ESQUEMAS[nome]
        colunas = [c.split(" ")[0] for c in esquema.split(", ")]
        self.publicacao.gravar(df.select(*colunas), self.lago.gold(nome), ordem, coluna, valores, self.completo)
        self.novas[nome] = self.spark.read.schema(esquema).parquet(self.publicacao.preparada(self.lago.gold(nome)))
        return self.novas[nome]

    def acumular(self, nome, somar, coluna, valores, origem, novas):
        """Months from days, or years from months: the new parts and those that stay."""
        parte = F.date_format("data", "yyyy-MM") if coluna == "mes" else F.substring("mes", 1, 4)
        coluna_origem = ESQUEMAS[origem][2]
        if self.completo:
            todas = novas
        else:
            refeitas = {str(v) for v in (self.dias if coluna_origem == "data" else self.meses)}
            ficam = [p for valor in valores for p in _partes(valor, coluna) if str(p) not in refeitas]
            todas = novas.unionByName(self.lago.ler_gold(origem, ESQUEMAS[origem][0], coluna_origem, ficam))
        todas = todas.withColumn(coluna, parte)
        # Sums by unit are few rows: in one partition nothing has to be shuffled.
        return self.gravar(nome, somar(todas.coalesce(1) if somar is somar_vendas else todas, coluna), valores)

    def com_os_outros(self, nome, novas, coluna, valores):
        """A table with the partitions that this run has made and all others."""
        pasta, refeitas = self.lago.gold(nome), {SEM_PARTICAO if valor is None else valor for valor in valores}
        outras = [a.caminho.rsplit("=", 1)[1] for a in self.lago.listar("{}/{}=*".format(pasta, coluna))]
        outras = [None if valor == SEM_PARTICAO else valor for valor in outras if valor not in refeitas]
        if self.completo or not outras:
            return novas
        return novas.unionByName(self.lago.ler_gold(nome, ESQUEMAS[nome][0], coluna, outras))

    def conferir(self, pedido, item):
        """The same orders and money in silver's days and in the days made of them, and in all tables over all years."""
        valor_das_linhas = F.sum(F.col("qtd") * F.col("vlr_item"))
        de_todos = F.sum(F.expr("receita + valor_pendente + valor_cancelado"))
        partes = [
            _totais("silver", pedido, F.count("*"), F.sum("vlr_pedido")),
            _totais("itens", item, F.count("*"), valor_das_linhas),
            _totais("vendas_consolidadas", self.novas["vendas_consolidadas"], F.count("*"), F.sum("valor")),
            _totais("vendas_diarias", self.novas["vendas_diarias"].coalesce(1), F.sum("pedidos"), F.sum("valor")),
            _totais("vendas_produto_diarias", self.novas["vendas_produto_diarias"], None, F.sum("valor_itens")),
            _totais("vendas_por_produto", self.novas["vendas_por_produto"].coalesce(1), None, F.sum("valor_total")),
        ]
        for nome in ("vendas_por_ano", "vendas_por_unidade", "vendas_por_pais"):
            partes.append(_totais(nome, self.novas[nome].coalesce(1), F.sum("pedidos"), de_todos, F.sum("receita")))
        unidas = partes[0]
        for parte in partes[1:]:
            unidas = unidas.unionAll(parte)
        totais = {linha["tabela"]: linha for linha in unidas.collect()}
        pares = [("silver", "vendas_consolidadas"), ("silver", "vendas_diarias"), ("itens", "vendas_produto_diarias")]
        pares += [("vendas_por_ano", "vendas_por_unidade"), ("vendas_por_ano", "vendas_por_pais")]
        for origem, destino in pares:
            a, b = totais[origem], totais[destino]
            if a["valor"] != b["valor"] or (b["pedidos"] is not None and a["pedidos"] != b["pedidos"]):
                raise PipelineError(
                    "{} não confere com {}: {} pedidos e valor {} em {}, {} e {} em {}".format(
                        destino, origem, a["pedidos"], a["valor"], origem, b["pedidos"], b["valor"], self.lago.gold(destino)
                    )
                )
        return {
            "dias": self.datas,
            "pedidos": totais["silver"]["pedidos"],
            "valor_pedidos": str(totais["silver"]["valor"]),
            "itens": totais["itens"]["pedidos"],
            "valor_itens": str(totais["itens"]["valor"]),
            "pedidos_historico": totais["vendas_por_ano"]["pedidos"],
            "receita": str(totais["vendas_por_ano"]["receita"]),
            "tabelas": {nome: totais[nome]["linhas"] for nome in totais if nome in ESQUEMAS},
        }


def _partes(valor, coluna):
    """The days of a month, or the months of a year; of the part without a date the part without a date."""
    if valor is None:
        return [None]
    if coluna == "mes":
        return [dia for dia in dias_entre(valor + "-01", valor + "-28")] + [valor + "-29", valor + "-30", valor + "-31"]
    return ["{}-{:02d}".format(valor, mes) for mes in range(1, 13)]


def _totais(nome, df, pedidos, valor, receita=None):
    nulo = F.lit(None)
    return df.agg(
        F.count("*").alias("linhas"),
        (nulo if pedidos is None else F.coalesce(pedidos, F.lit(0))).cast("bigint").alias("pedidos"),
        F.coalesce(valor, F.lit(0)).cast(TOTAL).alias("valor"),
        (nulo if receita is None else F.coalesce(receita, F.lit(0))).cast(TOTAL).alias("receita"),
    ).select(F.lit(nome).alias("tabela"), "*")


def relatorio(resumo, raiz):
    """What the job read and wrote, for the step's log."""
    dias = resumo["dias"]
    return "\n".join(
        [
            "",
            "gold: {}{}".format(raiz, ", data {}".format(resumo["data"]) if resumo["data"] else ""),
            "dias refeitos: {}".format(", ".join(dias) if len(dias) <= 20 else "{} ({} a {})".format(len(dias), dias[0], dias[-1])),
            "",
            tabela_alinhada(["tabela", "linhas"], [[nome, linhas] for nome, linhas in resumo["tabelas"].items()]),
            "",
            "pedidos lidos: {}, valor {}".format(resumo["pedidos"], resumo["valor_pedidos"]),
            "itens lidos: {}, valor {}".format(resumo["itens"], resumo["valor_itens"]),
            "em toda a história: {} pedidos, receita (Finalizado) {}".format(resumo["pedidos_historico"], resumo["receita"]),
            "totais conferem com silver em todas as tabelas",
        ]
        + qualidade.relatorio(resumo["qualidade"])
    )


if __name__ == "__main__":
    executar_trabalho("gold", executar)
