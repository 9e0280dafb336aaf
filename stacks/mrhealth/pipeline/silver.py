"""Silver: the CSV files as the units sent them become typed, checked and deduplicated parquet tables.

Every line of every file that is read ends in exactly one place: in ``dados/silver/parquet/<table>`` or, with a reason,
in ``dados/quarentena/<table>``. Both are counted in the files that were written, file by file of the input, and compared
with the lines that were read; the job fails, and publishes nothing, when they do not add up.

``--data D`` reads day D and what has arrived or changed since it was read last, within a window before D; ``--de`` and
``--ate`` read the days of a period again; without any date everything is read (``leitura.planejar``). The tables are
written by day, and only the days that were read are replaced (``publicacao``). For gold a mark is left for each.
"""

from collections import Counter

from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from lago import (
    ESQUEMA_QUARENTENA,
    ESQUEMAS_SILVER,
    PLANO,
    REFERENCIA,
    SEM_DATA,
    Lago,
    PipelineError,
    executar_trabalho,
    preparar_sessao,
    tabela_alinhada,
)
from leitura import JANELA, impressao, incluir_dias, ler_linhas, manifesto, medir_arquivos, planejar
from publicacao import Publicacao, concluir
from regras import (
    CAMPOS,
    DAS_UNIDADES,
    DE_REFERENCIA,
    NORMALIZACOES,
    TABELAS,
    aplicar_regras,
    classificar_itens,
    classificar_pedidos,
    classificar_referencia,
)

#: Reasons that another content of the reference tables would take away.
_POR_REFERENCIA = ("unidade_desconhecida", "produto_desconhecido")
_DO_ARQUIVO = ("bom", "ponto_e_virgula", "colunas_trocadas")


def executar(spark, raiz, data=None, de=None, ate=None, janela=JANELA):
    """Runs the job on the lake at ``raiz``; returns the counts that it also prints and stores."""
    lago = Lago(preparar_sessao(spark), raiz)
    retomadas = concluir(lago, "silver")
    plano = planejar(lago, data, de, ate, janela)
    publicacao = Publicacao(lago, "silver")
    try:
        medidas = Medidas()
        referencias = _referencias(spark, lago, plano, publicacao, medidas)
        _incluir_dependentes(spark, lago, plano)
        _das_unidades(spark, lago, plano, publicacao, medidas, referencias)
        contagens = _conferir(spark, lago, plano, publicacao, medidas, data)
    except BaseException:
        publicacao.descartar()
        raise
    contagens.update(data=data, de=de, ate=ate, publicacoes_retomadas=retomadas)
    _registrar(lago, plano, publicacao, medidas, contagens, referencias["impressao"])
    publicacao.publicar()
    print(relatorio(contagens, raiz), flush=True)
    return contagens


class Medidas:
    """What was seen of each file: its header, its lines, and the rows of it by reason (None for accepted)."""

    def __init__(self):
        self.arquivos, self.motivos, self.normalizacoes = {}, {}, {}

    def lidas(self, arquivo):
        return self.arquivos[arquivo]["lidas"] if arquivo in self.arquivos else 0

    def medir(self, linhas):
        for linha in medir_arquivos(linhas).collect():
            self.arquivos[linha["arquivo"]] = linha

    def contar(self, df):
        """Counts the rows of a classified table; returns whether some were refused."""
        contadas = [F.sum(F.col(nome).cast("bigint")).alias(nome) for nome in NORMALIZACOES]
        return self.somar(df.groupBy("arquivo", "motivo").agg(F.count("*").alias("linhas"), *contadas).collect())

    def somar(self, grupos):
        for grupo in grupos:
            self.motivos.setdefault(grupo["arquivo"], Counter())[grupo["motivo"]] += grupo["linhas"]
            if grupo["motivo"] is None:
                feitas = self.normalizacoes.setdefault(grupo["arquivo"], Counter())
                feitas.update({nome: int(grupo[nome]) for nome in NORMALIZACOES if grupo[nome]})
        return any(grupo["motivo"] for grupo in grupos)

    def normalizadas(self, arquivo):
        """What was put right in a file: in its accepted rows, and once for the file as a whole."""
        medida = self.arquivos.get(arquivo)
        do_arquivo = {nome: 1 for nome in _DO_ARQUIVO if medida is not None and medida[nome]}
        return dict(do_arquivo, **self.normalizacoes.get(arquivo, {}))

    def recusado(self, arquivo):
        medida = self.arquivos.get(arquivo)
        return medida is not None and not medida["cabecalho_ok"] and medida["lidas"] > 0


# --- the tables --------------------------------------------------------------------------------------------------


def _referencias(spark, lago, plano, publicacao, medidas):
    """Head office's tables: of this run if their files have changed, else as they are in silver."""
    tabelas = {}
    if plano.com_referencia:
        linhas = ler_linhas(spark, plano.dos_lotes(REFERENCIA)).coalesce(1).persist(StorageLevel.MEMORY_AND_DISK)
        medidas.medir(linhas)
        for tabela in DE_REFERENCIA:
            referida = {"estado": "pais", "unidade": "estado"}.get(tabela)
            df = classificar_referencia(linhas, tabela, tabelas.get(referida))
            # A few rows: worked out once, and from here on at hand for every join.
            linhas_da_tabela = df.collect()
            tem_recusadas = medidas.somar([dict(linha.asDict(), linhas=1) for linha in linhas_da_tabela])
            df = spark.createDataFrame(linhas_da_tabela, df.schema)
            _gravar(lago, publicacao, tabela, df, tem_recusadas, None, [SEM_DATA], True)
            tabelas[tabela] = df.filter("motivo is null").select(*_colunas(tabela))
        linhas.unpersist()
    else:
        tabelas = {tabela: lago.ler_silver(tabela) for tabela in DE_REFERENCIA}
    anterior = plano.manifestos.get(REFERENCIA, {}).get("impressao")
    atual = anterior
    if plano.com_referencia:
        unidades = tabelas["unidade"].select(F.lit("u"), "id_unidade")
        atual = impressao(unidades.unionAll(tabelas["produto"].select(F.lit("p"), "id_produto")).collect())
    if anterior is not None and atual != anterior:
        # Rows that were refused because head office did not know a unit or product may be right now.
        dependentes = {lote for lote, m in plano.manifestos.items() if m.get("desconhecidos")}
        plano.com_plano = plano.com_plano or PLANO in dependentes
        plano.dias |= dependentes - {PLANO, REFERENCIA}
    return dict(tabelas, impressao=atual)


def _incluir_dependentes(spark, lago, plano):
    """Flat files have orders of many days: when one of those days is written anew, all of them are."""
    conhecidos = set(plano.manifestos.get(PLANO, {}).get("dias", []))
    plano.com_plano = plano.com_plano or bool(conhecidos & plano.dias)
    plano.dias_planos = []
    if plano.com_plano:
        planas = ler_linhas(spark, [e for e in plano.dos_lotes(PLANO) if e.tabela == "pedido"])
        dias = aplicar_regras(planas, "pedido").filter("data is not null").select(F.col("data").cast("string")).distinct()
        plano.dias_planos = sorted(linha["data"] for linha in dias.collect())
        incluir_dias(lago, plano, conhecidos | set(plano.dias_planos))


def _das_unidades(spark, lago, plano, publicacao, medidas, referencias):
    """Orders and items of the days of the plan, all files in one read."""
    entradas = plano.dos_lotes(*sorted(plano.dias))
    das_pastas = {(e.unidade, e.lote) for e in entradas if e.tabela == "pedido" and e.tamanho} if plano.com_plano else ()
    das_pastas = spark.createDataFrame(sorted(das_pastas), "id_unidade int, data string")
    das_pastas = das_pastas.withColumn("data", F.col("data").cast("date"))
    entradas += plano.dos_lotes(PLANO) if plano.com_plano else []
    linhas = ler_linhas(spark, entradas, plano.substituidas()).persist(StorageLevel.MEMORY_AND_DISK)
    pedidos = classificar_pedidos(linhas, referencias["unidade"], das_pastas).persist(StorageLevel.MEMORY_AND_DISK)
    itens = classificar_itens(linhas, referencias["produto"], pedidos).persist(StorageLevel.MEMORY_AND_DISK)
    medidas.medir(linhas)
    dias = sorted(plano.dias)
    for tabela, df, sem_dia in (("pedido", pedidos, []), ("item_pedido", itens, [None])):
        tem_recusadas = medidas.contar(df)
        em_silver = dias + (sem_dia if plano.com_plano else [])
        em_quarentena = dias + ([SEM_DATA] if plano.com_plano else [])
        _gravar(lago, publicacao, tabela, df, tem_recusadas, em_silver, em_quarentena, plano.completo)
    publicacao.gravar_adiadas()
    for df in (linhas, pedidos, itens):
        df.unpersist()


def _colunas(tabela):
    return [coluna.split()[0] for coluna in ESQUEMAS_SILVER[tabela].split(", ")]


def _gravar(lago, publicacao, tabela, df, tem_recusadas, particoes, de_quarentena, completa):
    """Prepares a table's accepted rows and refused lines."""
    colunas = _colunas(tabela)
    ordem = ["id_unidade"] if "id_unidade" in colunas and tabela in DAS_UNIDADES else []
    ordem += [c.nome for c in CAMPOS[tabela] if c.chave and c.nome not in ordem] + ["arquivo"]
    # Ambiguous items may share their key.
    ordem += ["id_produto", "qtd", "vlr_item", "observacao"] if tabela == "item_pedido" else []
    aceitas = df.filter("motivo is null").select(*colunas)
    coluna = "data" if tabela in DAS_UNIDADES else None
    publicacao.adiar(aceitas, lago.silver(tabela), ordem, coluna, particoes, completa)
    if not tem_recusadas:
        publicacao.esvaziar(lago.quarentena(tabela), "data", de_quarentena, completa)
        return
    # The day of the folder, else the order's own: independent of when the job runs.
    da_linha = F.col("data").cast("string") if tabela == "pedido" else F.lit(None)
    recusadas = df.filter("motivo is not null").select(
        "motivo", "detalhe", "arquivo", "numero", "linha", F.coalesce("data_pasta", da_linha, F.lit(SEM_DATA)).alias("data")
    )
    publicacao.adiar(recusadas, lago.quarentena(tabela), ["arquivo", "numero"], "data", de_quarentena, completa)


# --- counting ----------------------------------------------------------------------------------------------------


def _conferir(spark, lago, plano, publicacao, medidas, data):
    """Counts what was written, by table and input file, and compares it with the lines that were read."""
    partes = []
    for tabela in TABELAS if plano.com_referencia else DAS_UNIDADES:
        ambiguos = F.sum(F.col("ambiguo").cast("int")) if tabela == "item_pedido" else F.lit(None)
        do_dia = F.sum((F.col("data") == F.lit(data).cast("date")).cast("int")) if tabela == "pedido" else F.lit(None)
        for camada, esquema, destino in (
            ("silver", ESQUEMAS_SILVER[tabela], lago.silver(tabela)),
            ("quarentena", ESQUEMA_QUARENTENA, lago.quarentena(tabela)),
        ):
            em_silver = camada == "silver"
            if not publicacao.tem(destino):
                continue
            gravadas = spark.read.schema(esquema).parquet(publicacao.preparada(destino)).groupBy("arquivo").agg(
                F.count("*").alias("linhas"),
                (ambiguos if em_silver else F.lit(None)).cast("bigint").alias("ambiguos"),
                (do_dia if em_silver else F.lit(None)).cast("bigint").alias("dia"),
            )
            partes.append(gravadas.select(F.lit(tabela).alias("tabela"), F.lit(camada).alias("camada"), "*"))
    unidas = partes[0]
    for parte in partes[1:]:
        unidas = unidas.unionAll(parte)
    gravadas = unidas.collect()

    contagens = {"tabelas": {}, "dias": sorted(plano.dias), "arquivos_ignorados": plano.ignorados}
    lidos = _lidos(plano)
    por_arquivo = {(g["tabela"], g["camada"], g["arquivo"]): g["linhas"] for g in gravadas}
    for tabela in TABELAS:
        arquivos = [e.arquivo for e in lidos if e.tabela == tabela]
        motivos = sum((medidas.motivos.get(a, Counter()) for a in arquivos), Counter())
        motivos.pop(None, None)
        silver = {a: por_arquivo.get((tabela, "silver", a), 0) for a in arquivos}
        quarentena = {a: por_arquivo.get((tabela, "quarentena", a), 0) for a in arquivos}
        for a in arquivos:
            reconciliar(tabela, a, medidas.lidas(a), silver[a], quarentena[a], medidas.motivos.get(a, {}), lago)
        contagens["tabelas"][tabela] = {
            "arquivos": len(arquivos),
            "lidas": sum(medidas.lidas(a) for a in arquivos),
            "silver": sum(silver.values()),
            "quarentena": sum(quarentena.values()),
            "motivos": dict(motivos),
        }
    total = sum(c["silver"] + c["quarentena"] for c in contagens["tabelas"].values())
    if total != sum(g["linhas"] for g in gravadas):
        raise PipelineError("há linhas de arquivos que não foram lidos em {}".format(lago.preparo))
    contagens["itens_ambiguos"] = sum(g["ambiguos"] or 0 for g in gravadas)
    contagens["pedidos_do_dia"] = sum(g["dia"] or 0 for g in gravadas) if data else None
    contagens["arquivos_recusados"] = sorted(e.arquivo for e in lidos if medidas.recusado(e.arquivo))
    contagens["arquivos_vazios"] = sorted(e.arquivo for e in lidos if not medidas.lidas(e.arquivo))
    contagens["normalizacoes"] = dict(sum((Counter(medidas.normalizadas(e.arquivo)) for e in lidos), Counter()))
    return contagens


def reconciliar(tabela, arquivo, lidas, silver, quarentena, motivos, lago):
    """Nothing is lost, nothing is invented: lines read = rows in silver + rows in quarantine, for every file."""
    recusadas = sum(n for motivo, n in motivos.items() if motivo)
    if lidas != silver + quarentena or quarentena != recusadas:
        raise PipelineError(
            "as contagens de {} não fecham: {} linhas lidas de {}/{}, {} em silver e {} em quarentena".format(
                tabela, lidas, lago.csv, arquivo, silver, quarentena
            )
        )


def _lidos(plano):
    """The files that the run read."""
    lotes = plano.dias | ({PLANO} if plano.com_plano else set()) | ({REFERENCIA} if plano.com_referencia else set())
    return plano.dos_lotes(*lotes)


def _registrar(lago, plano, publicacao, medidas, contagens, impressao_atual):
    """What is written beside the tables: the files that were read, their manifests, the counts, the marks for gold."""
    lotes = sorted(plano.dias) + [PLANO] * plano.com_plano + [REFERENCIA] * plano.com_referencia
    linhas = []
    for lote in lotes:
        entradas = plano.dos_lotes(lote)
        mais = {"lote": lote}
        if lote == PLANO:
            mais["dias"] = plano.dias_planos
        if lote == REFERENCIA:
            mais["impressao"] = impressao_atual
        else:
            mais["desconhecidos"] = any(medidas.motivos.get(e.arquivo, {}).get(m) for e in entradas for m in _POR_REFERENCIA)
        publicacao.json(lago.manifesto(lote), manifesto(entradas, **mais))
        for e in entradas:
            normalizadas = medidas.normalizadas(e.arquivo)
            nomes = ["{}={}".format(nome, n) for nome, n in sorted(normalizadas.items())]
            nomes += ["vazio"] * (not medidas.lidas(e.arquivo)) + ["cabecalho_invalido"] * medidas.recusado(e.arquivo)
            linhas.append(
                (e.unidade, e.tabela, e.arquivo, e.tamanho, e.modificado, medidas.lidas(e.arquivo))
                + (sum(normalizadas.values()), "; ".join(nomes) or None, lote)
            )
    esquema = ESQUEMAS_SILVER["arquivo"].replace("recebido_em timestamp", "recebido_em bigint")
    df = lago.spark.createDataFrame(linhas, esquema).withColumn("recebido_em", F.timestamp_millis("recebido_em"))
    publicacao.gravar(df, lago.silver("arquivo"), ["arquivo"], "lote", lotes, plano.completo)

    marca = {"data": contagens["data"], "publicacao": publicacao.nome}
    sem_dia = [SEM_DATA] * plano.com_plano + [REFERENCIA] * plano.com_referencia
    for dia in sorted(plano.dias) + sem_dia:
        publicacao.json(lago.pendente(dia), marca, antes=True)
    if contagens["data"]:
        publicacao.json(lago.contagens("silver", contagens["data"]), contagens)
    publicacao.json(lago.contagens("silver"), contagens)


def relatorio(contagens, raiz):
    """What the job read and wrote, for the step's log."""
    tabelas, dias = contagens["tabelas"], contagens["dias"]
    periodo = contagens["data"] or (contagens["de"] and "{} a {}".format(contagens["de"], contagens["ate"]))
    partes = [
        "",
        "silver: {}{}".format(raiz, ", data {}".format(periodo) if periodo else ""),
        "dias processados: {}".format(", ".join(dias) if len(dias) <= 20 else "{} ({} a {})".format(len(dias), dias[0], dias[-1])),
        "",
        tabela_alinhada(
            ["tabela", "arquivos", "lidas", "silver", "quarentena"],
            [[t, c["arquivos"], c["lidas"], c["silver"], c["quarentena"]] for t, c in tabelas.items()],
        ),
    ]
    recusas = [[t, motivo, n] for t, c in tabelas.items() for motivo, n in sorted(c["motivos"].items())]
    if recusas:
        partes += ["", tabela_alinhada(["quarentena", "motivo", "linhas"], recusas)]
    partes += ["", "contagens conferem: lidas = silver + quarentena em todos os arquivos"]
    if contagens["normalizacoes"]:
        feitas = ["{} {}".format(nome, n) for nome, n in sorted(contagens["normalizacoes"].items())]
        partes.append("normalizado: {}".format(", ".join(feitas)))
    if contagens["itens_ambiguos"]:
        partes.append("itens de unidade ambígua: {}".format(contagens["itens_ambiguos"]))
    if contagens["data"]:
        partes.append("pedidos de {}: {}".format(contagens["data"], contagens["pedidos_do_dia"]))
    if contagens["publicacoes_retomadas"]:
        partes.append("publicações interrompidas concluídas: {}".format(contagens["publicacoes_retomadas"]))
    for nome, arquivos in (
        ("recusados inteiros (cabeçalho)", contagens["arquivos_recusados"]),
        ("sem linhas", contagens["arquivos_vazios"]),
        ("ignorados", contagens["arquivos_ignorados"]),
    ):
        if arquivos:
            partes.append("arquivos {}: {}{}".format(nome, ", ".join(arquivos[:10]), " ..." * (len(arquivos) > 10)))
    return "\n".join(partes)


if __name__ == "__main__":
    executar_trabalho("silver", executar)
