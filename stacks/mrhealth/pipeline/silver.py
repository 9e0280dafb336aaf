"""Silver: the CSV files as the units sent them become typed, checked and deduplicated parquet tables.

Every line of every file ends in exactly one place: in ``dados/silver/parquet/<table>`` or, with a reason, in
``dados/quarentena/<table>``. The counts of both are read back from what was written, compared with the lines that
were read, printed, and stored under ``dados/silver/_contagens``; the job fails when they do not add up.

Each run reads all files and rewrites all tables, so running it again gives the same lake. ``--data`` is the business
date that the run is for: it names the run's counts and is reported on, but leaves no order out, because the gold
metrics cover the whole history and a corrected old file must count as much as today's.

The counts are also the commit mark: they are deleted before the first table is touched and written last, and gold
refuses a silver layer without them. S3 has no rename that could swap in six tables at once.
"""

from collections import OrderedDict, namedtuple

from pyspark.sql import Window
from pyspark.sql import functions as F
from pyspark.sql.utils import AnalysisException
from pyspark.storagelevel import StorageLevel

from lago import (
    CANCELADO,
    DINHEIRO,
    ESQUEMAS_SILVER,
    FINALIZADO,
    PENDENTE,
    Lago,
    PipelineError,
    executar_trabalho,
    preparar_sessao,
    tabela_alinhada,
)

#: A column of a source file: its name in the header, its name in silver, and how its text is read.
Campo = namedtuple("Campo", "origem nome tipo chave opcional")


def _campo(origem, nome, tipo, chave=False, opcional=False):
    return Campo(origem, nome, tipo, chave, opcional)


#: The columns of each table, in the order of the files; tables in the order of their references.
CAMPOS = OrderedDict(
    [
        ("pais", [_campo("Id_Pais", "id_pais", "texto", chave=True), _campo("Nome_Pais", "nome_pais", "texto")]),
        (
            "estado",
            [
                _campo("id_estado", "id_estado", "id", chave=True),
                _campo("id_pais", "id_pais", "texto"),
                _campo("nome_estado", "nome_estado", "texto"),
            ],
        ),
        (
            "unidade",
            [
                _campo("Id_Unidade", "id_unidade", "id", chave=True),
                _campo("Nome_Unidade", "nome_unidade", "texto"),
                _campo("Id_Estado", "id_estado", "id"),
            ],
        ),
        (
            "produto",
            [
                _campo("Id_Produto", "id_produto", "id", chave=True),
                _campo("Nome_Produto", "nome_produto", "texto"),
            ],
        ),
        (
            "pedido",
            [
                _campo("Id_Unidade", "id_unidade", "id", chave=True),
                _campo("Id_Pedido", "id_pedido", "id_longo", chave=True),
                _campo("Tipo_Pedido", "tipo_pedido", "tipo"),
                _campo("Data_Pedido", "data", "data"),
                _campo("Vlr_Pedido", "vlr_pedido", "dinheiro"),
                _campo("Endereco Entrega", "endereco_entrega", "endereco", opcional=True),
                _campo("Taxa_Entrega", "taxa_entrega", "dinheiro"),
                _campo("Status", "status", "status"),
            ],
        ),
        (
            "item_pedido",
            [
                _campo("Id_Pedido", "id_pedido", "id_longo", chave=True),
                _campo("Id_Item_Pedido", "id_item_pedido", "id", chave=True),
                _campo("Id_Produto", "id_produto", "id"),
                _campo("Qtd", "qtd", "quantidade"),
                _campo("Vlr_Item", "vlr_item", "dinheiro"),
                _campo("Observacao", "observacao", "texto", opcional=True),
            ],
        ),
    ]
)
TABELAS = list(CAMPOS)
#: The tables that every unit sends every day; the others are head office's.
DAS_UNIDADES = ("pedido", "item_pedido")

#: Where a table's files may lie below ``dados/silver/csv``. Other CSV files are reported as ignored.
_DA_UNIDADE = r"^(unidade=\d{1,9}/)?(data=\d{4}-\d{2}-\d{2}/)?%s\.csv$"
_REFERENCIA = r"^(tabela_%s|referencia/(tabela_)?%s)\.csv$"
CAMINHOS = {t: _DA_UNIDADE % t if t in DAS_UNIDADES else _REFERENCIA % (t, t) for t in TABELAS}
ONDE_FICA = {
    t: "{0}.csv ou unidade=<id>/data=<data>/{0}.csv".format(t.upper())
    if t in DAS_UNIDADES
    else "Tabela_{}.csv ou referencia/{}.csv".format(t.capitalize(), t)
    for t in TABELAS
}

#: Values that the business knows, found without regard to case, accents and spaces.
TIPOS = {"lojaonline": "Loja Online", "lojafisica": "Loja Física"}
STATUS = {"finalizado": FINALIZADO, "pendente": PENDENTE, "cancelado": CANCELADO}

_SEM_ENDERECO = "--"
_NUMEROS = {
    "id": (r"^\d{1,9}$", "int"),
    "id_longo": (r"^\d{1,18}$", "bigint"),
    "quantidade": (r"^-?\d{1,9}$", "int"),
    # A third decimal would be rounded away by the cast: refused instead.
    "dinheiro": (r"^-?\d{1,10}(\.\d{1,2})?$", DINHEIRO),
}
_COLUNAS_QUARENTENA = "motivo string, detalhe string, arquivo string, linha string, data string"
_SEM_DATA = "sem-data"


def executar(spark, raiz, data=None):
    """Runs the job on the lake at ``raiz``; returns the counts that it also prints and stores."""
    lago = Lago(preparar_sessao(spark), raiz)
    linhas = ler_linhas(spark, lago).persist(StorageLevel.MEMORY_AND_DISK)
    arquivos = linhas.groupBy("tabela", "arquivo").agg(
        F.sum(F.col("eh_dado").cast("int")).alias("lidas"), F.sum(F.col("eh_cabecalho").cast("int")).alias("cabecalhos")
    )
    arquivos = sorted(arquivos.collect(), key=lambda arquivo: arquivo["arquivo"])
    conferir_arquivos(spark, lago, arquivos)

    lago.apagar(lago.contagens("silver"))
    motivos, pedidos = {}, None
    for tabela in TABELAS:
        df = classificar(tabela, linhas, lago.ler_silver, pedidos).persist(StorageLevel.MEMORY_AND_DISK)
        # The first count fills the cache that both writes read.
        por_motivo = df.groupBy("motivo").count().collect()
        motivos[tabela] = {linha["motivo"]: linha["count"] for linha in por_motivo if linha["motivo"]}
        _gravar(lago, tabela, df, tem_quarentena=bool(motivos[tabela]))
        if tabela == "pedido":
            pedidos = df
        else:
            df.unpersist()
    contagens = conferir_contagens(spark, lago, arquivos, motivos, data)
    if data:
        lago.escrever_json(lago.contagens("silver", data), contagens)
    lago.escrever_json(lago.contagens("silver"), contagens)
    print(relatorio(contagens, raiz), flush=True)
    pedidos.unpersist()
    linhas.unpersist()
    return contagens


# --- reading -----------------------------------------------------------------------------------------------------


def ler_linhas(spark, lago):
    """All lines of all CSV files in one read, each with its table, its file, and whether it is a header or data.

    The files are read as text, not by Spark's CSV reader, because the raw line goes to quarantine as it was sent, and
    because a line is then a row whatever quotes it leaves open: a stray quote cannot swallow the rows that follow.
    Hadoop's line reader takes LF and CRLF; bytes that are not UTF-8 become U+FFFD, which a rule refuses.
    """
    leitor = spark.read.option("recursiveFileLookup", "true").option("pathGlobFilter", "*.[cC][sS][vV]")
    try:
        bruto = leitor.text(lago.csv)
    except AnalysisException as erro:
        if "PATH_NOT_FOUND" in str(erro):
            raise PipelineError("não há dados de entrada: {} não existe".format(lago.csv)) from None
        raise
    caminho = F.lower("arquivo")
    tabela = F.coalesce(*[F.when(caminho.rlike(padrao), F.lit(nome)) for nome, padrao in CAMINHOS.items()])
    cabecalho = F.coalesce(
        *[
            F.when(F.col("tabela") == nome, F.lit(",".join(_simples(campo.origem) for campo in campos)))
            for nome, campos in CAMPOS.items()
        ]
    )
    return (
        bruto.select(
            F.regexp_replace(F.decode(F.col("value").cast("binary"), "UTF-8"), "^\ufeff", "").alias("linha"),
            F.regexp_extract(F.col("_metadata.file_path"), "/dados/silver/csv/(.+)$", 1).alias("arquivo"),
        )
        .withColumn("tabela", tabela)
        .withColumn("eh_cabecalho", F.coalesce(_coluna_simples(F.col("linha")) == cabecalho, F.lit(False)))
        .withColumn("eh_dado", ~F.col("eh_cabecalho") & (F.trim("linha") != ""))
        .withColumn("unidade_pasta", F.regexp_extract(caminho, r"^unidade=(\d+)/", 1).cast("int"))
        .withColumn("data_pasta", F.regexp_extract(caminho, r"(?:^|/)data=(\d{4}-\d{2}-\d{2})/[^/]+$", 1))
        # Which of two versions of a row is the newer: the later folder; head office's database before a sample file.
        .withColumn("recepcao", F.when(caminho.startswith("referencia/"), F.lit("1")).otherwise(F.col("data_pasta")))
    )


def conferir_arquivos(spark, lago, arquivos):
    """Fails when a table has no file, or a file does not begin with its table's header.

    Without the header the order of the columns is a guess, and a guess would move money between columns.
    """
    presentes = {arquivo["tabela"] for arquivo in arquivos}
    for tabela in TABELAS:
        if tabela not in presentes:
            raise PipelineError("falta {} em {} (esperado {})".format(tabela, lago.csv, ONDE_FICA[tabela]))
    sem_cabecalho = [a for a in arquivos if a["tabela"] and a["lidas"] and not a["cabecalhos"]]
    if sem_cabecalho:
        primeiro = sem_cabecalho[0]
        caminho = "{}/{}".format(lago.csv, primeiro["arquivo"])
        encontrado = spark.read.text(caminho).head()[0].lstrip("\ufeff")
        esperado = ",".join(campo.origem for campo in CAMPOS[primeiro["tabela"]])
        outros = " (e mais {} arquivos)".format(len(sem_cabecalho) - 1) if len(sem_cabecalho) > 1 else ""
        raise PipelineError(
            "cabeçalho inesperado em {}{}: esperado {!r}, encontrado {!r}".format(caminho, outros, esperado, encontrado)
        )


# --- rules -------------------------------------------------------------------------------------------------------


def classificar(tabela, linhas, ler_silver, pedidos):
    """The data lines of a table, typed, with ``motivo`` and ``detalhe`` set where a rule refuses the row.

    References are looked up in the silver tables that this run wrote before: a plan that holds all six tables would
    cost more than the data. ``pedidos`` are the orders, refused ones too, for the items.
    """
    df = aplicar_regras(linhas, tabela)
    chave, versoes = [campo.nome for campo in CAMPOS[tabela] if campo.chave], None
    if tabela == "estado":
        df = exigir_referencia(df, ler_silver("pais"), "id_pais", "pais_desconhecido")
    elif tabela == "unidade":
        df = exigir_referencia(df, ler_silver("estado"), "id_estado", "estado_desconhecido")
    elif tabela == "pedido":
        outra_unidade = F.col("unidade_pasta") != F.col("id_unidade")
        df = recusar(df, "Id_Unidade", F.col("id_unidade"), ("unidade_divergente", outra_unidade))
        df = exigir_referencia(df, ler_silver("unidade"), "id_unidade", "unidade_desconhecida")
    elif tabela == "item_pedido":
        df = exigir_referencia(df, ler_silver("produto"), "id_produto", "produto_desconhecido")
        df = atribuir_unidade(df, pedidos)
        chave = ["id_unidade"] + chave
        # Lines of different units' orders share the number in a flat file: that many versions of a key are no conflict.
        versoes = F.when(F.col("ambiguo"), F.size("unidades_candidatas")).otherwise(1)
    return marcar_repetidas(df, chave, tabela, versoes)


def aplicar_regras(linhas, tabela):
    """Types the columns of a table's lines; the first rule that a line breaks becomes its reason."""
    campos = CAMPOS[tabela]
    esquema = ", ".join("{} string".format(campo.nome) for campo in campos) + ", _malformada string"
    opcoes = {"escape": '"', "mode": "PERMISSIVE", "columnNameOfCorruptRecord": "_malformada"}
    df = linhas.filter((F.col("tabela") == tabela) & F.col("eh_dado"))
    if tabela not in DAS_UNIDADES:
        # Always small: in one partition nothing has to be shuffled.
        df = df.coalesce(1)
    df = df.withColumn("_t", F.from_csv("linha", esquema, opcoes))

    textos = {campo.nome: F.trim(F.col("_t." + campo.nome)) for campo in campos}
    aspas = F.length("linha") - F.length(F.replace(F.col("linha"), F.lit('"'), F.lit("")))
    regras = [
        ("codificacao_invalida", F.col("linha").contains("\ufffd"), F.lit("o arquivo não está em UTF-8")),
        (
            "linha_malformada",
            F.col("_t._malformada").isNotNull() | (aspas % 2 == 1),
            F.lit("esperadas {} colunas e aspas fechadas".format(len(campos))),
        ),
    ]
    tipados = {}
    for ordem, motivo, campo, condicao, valor in sorted(
        (regra for campo in campos for regra in _regras_do_campo(campo, textos[campo.nome])), key=lambda regra: regra[0]
    ):
        if motivo is None:
            tipados[campo.nome] = valor
        else:
            detalhe = F.concat(F.lit(campo.origem + "="), F.coalesce(textos[campo.nome], F.lit("")))
            regras.append((motivo, condicao, detalhe))
    recusa = F.coalesce(
        *[F.when(condicao, F.struct(F.lit(m).alias("motivo"), d.alias("detalhe"))) for m, condicao, d in regras]
    )
    return df.select(
        *[tipados[campo.nome].alias(campo.nome) for campo in campos],
        recusa["motivo"].alias("motivo"),
        recusa["detalhe"].alias("detalhe"),
        "arquivo",
        "linha",
        "unidade_pasta",
        "data_pasta",
        "recepcao",
    )


def _regras_do_campo(campo, texto):
    """(order, reason, field, condition, None) of each rule of a field, and its typed value with reason None."""
    vazio = texto.isNull() | (texto == "")
    if not campo.opcional:
        yield (0, "chave_ausente", campo, vazio, None) if campo.chave else (1, "campo_ausente", campo, vazio, None)
    if campo.tipo in _NUMEROS:
        padrao, tipo = _NUMEROS[campo.tipo]
        valor = F.when(texto.rlike(padrao), texto.cast(tipo))
        yield 2, "numero_invalido", campo, valor.isNull(), None
        yield 4, "valor_negativo", campo, valor < 0, None
        if campo.tipo == "quantidade":
            yield 5, "quantidade_zero", campo, valor == 0, None
    elif campo.tipo == "data":
        valor = F.when(texto.rlike(r"^\d{4}-\d{2}-\d{2}$"), texto.cast("date"))
        yield 3, "data_invalida", campo, valor.isNull(), None
    elif campo.tipo in ("tipo", "status"):
        conhecidos = TIPOS if campo.tipo == "tipo" else STATUS
        valor = F.coalesce(*[F.when(_coluna_simples(texto) == chave, F.lit(v)) for chave, v in conhecidos.items()])
        yield 6, campo.tipo + "_desconhecido", campo, valor.isNull(), None
    elif campo.tipo == "endereco":
        valor = F.when(~vazio & (texto != _SEM_ENDERECO), texto)
    else:
        valor = F.when(~vazio, texto)
    yield 9, None, campo, None, valor


def recusar(df, origem, valor, *regras):
    """Gives the rows that meet one of the conditions its reason, unless they have one already.

    ``regras`` are pairs of reason and condition, the first that holds counts; the detail is ``origem=valor``.
    """
    novo = F.coalesce(*[F.when(condicao, F.lit(motivo)) for motivo, condicao in regras])
    detalhe = F.when(novo.isNotNull(), F.concat(F.lit(origem + "="), F.coalesce(valor.cast("string"), F.lit(""))))
    aceita = F.col("motivo").isNull()
    return df.select(
        *[c for c in df.columns if c not in ("motivo", "detalhe")],
        F.when(aceita, novo).otherwise(F.col("motivo")).alias("motivo"),
        F.when(aceita, detalhe).otherwise(F.col("detalhe")).alias("detalhe"),
    )


def exigir_referencia(df, referida, coluna, motivo):
    """Refuses rows whose ``coluna`` names a row that the reference table does not have."""
    conhecidos = F.broadcast(referida.select(coluna, F.lit(True).alias("_conhecido")))
    juntos = df.join(conhecidos, coluna, "left")
    return recusar(juntos, coluna, F.col(coluna), (motivo, F.col("_conhecido").isNull())).drop("_conhecido")


def atribuir_unidade(itens, pedidos):
    """Gives each item the unit whose order it belongs to; ITEM_PEDIDO itself does not say.

    The folder tells, where there is one. A flat item belongs to an order of the flat files with its number (or, if
    none, to one in a folder): with one such unit that is the unit, with several it stays null and ``ambiguo``.
    Quarantined orders are candidates too: that an order is refused does not make an item another order's.
    """
    da_raiz = F.when(F.col("unidade_pasta").isNull(), F.col("id_unidade"))
    candidatas = (
        pedidos.filter("id_unidade is not null and id_pedido is not null")
        .groupBy("id_pedido")
        .agg(
            F.collect_set(da_raiz).alias("_raiz"),
            F.collect_set("id_unidade").alias("_todas"),
            F.collect_set(F.when(F.col("motivo").isNull(), F.col("id_unidade"))).alias("_aceitas"),
        )
    )
    nenhuma = F.array().cast("array<int>")
    unidades = (
        F.when(F.col("_todas").isNull(), nenhuma)
        .when(F.col("unidade_pasta").isNotNull(), F.array_intersect("_todas", F.array("unidade_pasta")))
        .when(F.size("_raiz") > 0, F.sort_array("_raiz"))
        .otherwise(F.sort_array("_todas"))
    )
    df = itens.join(candidatas, "id_pedido", "left").withColumn("unidades_candidatas", unidades)
    df = df.withColumn("ambiguo", F.size("unidades_candidatas") > 1)
    df = df.withColumn("id_unidade", F.when(F.size("unidades_candidatas") == 1, F.col("unidades_candidatas")[0]))
    df = recusar(
        df,
        "Id_Pedido",
        F.col("id_pedido"),
        ("pedido_inexistente", F.size("unidades_candidatas") == 0),
        ("pedido_em_quarentena", ~F.arrays_overlap("unidades_candidatas", "_aceitas")),
    )
    return df.drop("_raiz", "_todas", "_aceitas")


def marcar_repetidas(df, chave, tabela, versoes=None):
    """Refuses what would count a key twice.

    ``linha_duplicada``: the same content again (the newest, else the first file's, stays).
    ``versao_substituida``: other content than a later reception has: an order that was pending is sent again.
    ``chave_conflitante``: more contents than ``versoes`` (one, normally) in the same reception: nothing says which is
    right, so none is taken.
    """
    conteudo = F.to_json(F.struct(*[campo.nome for campo in CAMPOS[tabela]]))
    mesma_chave = Window.partitionBy("_valida", *chave)
    mesmo_conteudo = Window.partitionBy("_valida", *(chave + ["_conteudo"]))
    mesmo_conteudo = mesmo_conteudo.orderBy(F.desc("recepcao"), "arquivo", "linha")
    da_ultima = F.when(F.col("recepcao") == F.col("_ultima"), F.col("_conteudo"))
    df = (
        df.withColumn("_valida", F.col("motivo").isNull())
        .withColumn("_conteudo", conteudo)
        .withColumn("_ultima", F.max("recepcao").over(mesma_chave))
        .withColumn("_contidos", F.size(F.collect_set(da_ultima).over(mesma_chave)))
        .withColumn("_vez", F.row_number().over(mesmo_conteudo))
    )
    df = recusar(
        df,
        ",".join(chave),
        F.concat_ws(",", *[F.coalesce(F.col(coluna).cast("string"), F.lit("?")) for coluna in chave]),
        ("linha_duplicada", F.col("_vez") > 1),
        ("versao_substituida", F.col("recepcao") < F.col("_ultima")),
        ("chave_conflitante", F.col("_contidos") > (F.lit(1) if versoes is None else versoes)),
    )
    return df.drop("_valida", "_conteudo", "_ultima", "_contidos", "_vez")


_COM_ACENTO, _SEM_ACENTO = "áàâãäéèêëíìîïóòôõöúùûüçñ", "aaaaaeeeeiiiiooooouuuucn"


def _simples(texto):
    """A header or known value reduced to its letters and digits, as ``_coluna_simples`` does it in Spark."""
    reduzido = texto.lower().translate(str.maketrans(_COM_ACENTO, _SEM_ACENTO))
    return "".join(letra for letra in reduzido if letra in "abcdefghijklmnopqrstuvwxyz0123456789,")


def _coluna_simples(coluna):
    return F.regexp_replace(F.translate(F.lower(coluna), _COM_ACENTO, _SEM_ACENTO), "[^a-z0-9,]", "")


# --- writing and counting ----------------------------------------------------------------------------------------


def _gravar(lago, tabela, df, tem_quarentena):
    """Writes a table's accepted rows and refused lines."""
    colunas = [coluna.split()[0] for coluna in ESQUEMAS_SILVER[tabela].replace("decimal(12,2)", "d").split(", ")]
    chave = [campo.nome for campo in CAMPOS[tabela] if campo.chave]
    aceitas = df.filter("motivo is null").select(*colunas)
    if tabela == "pedido":
        aceitas = aceitas.repartition("data").sortWithinPartitions("data", *chave)
        aceitas.write.mode("overwrite").partitionBy("data").parquet(lago.silver(tabela))
    else:
        # Rebalancing makes as few files as the size allows; reference tables come in one partition already.
        aceitas = aceitas.hint("rebalance") if tabela in DAS_UNIDADES else aceitas
        aceitas.sortWithinPartitions(*chave).write.mode("overwrite").parquet(lago.silver(tabela))
    if not tem_quarentena:
        lago.apagar(lago.quarentena(tabela))
        return
    # The order's own day if it has one, else the day of the folder: independent of when the job runs.
    da_linha = F.col("data").cast("string") if tabela == "pedido" else F.lit(None)
    da_pasta = F.when(F.col("data_pasta") != "", F.col("data_pasta"))
    recusadas = df.filter("motivo is not null").select(
        "motivo", "detalhe", "arquivo", "linha", F.coalesce(da_linha, da_pasta, F.lit(_SEM_DATA)).alias("data")
    )
    recusadas = recusadas.repartition("data").sortWithinPartitions("data", "arquivo", "linha")
    recusadas.write.mode("overwrite").partitionBy("data").parquet(lago.quarentena(tabela))


def conferir_contagens(spark, lago, arquivos, motivos, data):
    """Counts what is in the lake now and compares it with the lines that were read, table by table."""
    partes = []
    for tabela in TABELAS:
        df = lago.ler_silver(tabela)
        ambiguos = F.sum(F.col("ambiguo").cast("int")) if tabela == "item_pedido" else F.lit(None)
        do_dia = F.sum((F.col("data") == F.lit(data).cast("date")).cast("int")) if tabela == "pedido" else F.lit(None)
        partes.append(
            df.agg(F.count("*").alias("linhas"), ambiguos.cast("bigint").alias("ambiguos"), do_dia.cast("bigint").alias("dia"))
            .select(F.lit(tabela).alias("tabela"), F.lit("silver").alias("camada"), "linhas", "ambiguos", "dia")
        )
        if motivos[tabela]:
            quarentena = spark.read.schema(_COLUNAS_QUARENTENA).parquet(lago.quarentena(tabela))
            nulo = F.lit(None).cast("bigint")
            partes.append(
                quarentena.agg(F.count("*").alias("linhas"))
                .select(F.lit(tabela).alias("tabela"), F.lit("quarentena").alias("camada"), "linhas", nulo, nulo)
            )
    gravadas = {(linha["tabela"], linha["camada"]): linha for linha in _unir(partes).collect()}

    contagens = {"data": data, "tabelas": {}}
    for tabela in TABELAS:
        quarentena = gravadas.get((tabela, "quarentena"))
        contagens["tabelas"][tabela] = {
            "arquivos": sum(1 for a in arquivos if a["tabela"] == tabela),
            "lidas": sum(a["lidas"] for a in arquivos if a["tabela"] == tabela),
            "silver": gravadas[(tabela, "silver")]["linhas"],
            "quarentena": quarentena["linhas"] if quarentena else 0,
            "motivos": motivos[tabela],
        }
    contagens["itens_ambiguos"] = gravadas[("item_pedido", "silver")]["ambiguos"] or 0
    contagens["pedidos_do_dia"] = (gravadas[("pedido", "silver")]["dia"] or 0) if data else None
    contagens["arquivos_ignorados"] = [a["arquivo"] for a in arquivos if a["tabela"] is None]
    reconciliar(contagens, lago)
    return contagens


def reconciliar(contagens, lago):
    """Nothing is lost, nothing is invented: lines read = rows in silver + rows in quarantine, for every table."""
    for tabela, c in contagens["tabelas"].items():
        if c["lidas"] != c["silver"] + c["quarentena"] or c["quarentena"] != sum(c["motivos"].values()):
            raise PipelineError(
                "as contagens de {} não fecham: {} linhas lidas, {} em silver e {} em quarentena ({})".format(
                    tabela, c["lidas"], c["silver"], c["quarentena"], lago.silver(tabela)
                )
            )


def _unir(partes):
    unidas = partes[0]
    for parte in partes[1:]:
        unidas = unidas.unionAll(parte)
    return unidas


def relatorio(contagens, raiz):
    """What the job read and wrote, for the step's log."""
    tabelas = contagens["tabelas"]
    partes = [
        "",
        "silver: {}{}".format(raiz, ", data {}".format(contagens["data"]) if contagens["data"] else ""),
        "",
        tabela_alinhada(
            ["tabela", "arquivos", "lidas", "silver", "quarentena"],
            [[t, c["arquivos"], c["lidas"], c["silver"], c["quarentena"]] for t, c in tabelas.items()],
        ),
    ]
    recusas = [[t, motivo, n] for t, c in tabelas.items() for motivo, n in sorted(c["motivos"].items())]
    if recusas:
        partes += ["", tabela_alinhada(["quarentena", "motivo", "linhas"], recusas)]
    partes += ["", "contagens conferem: lidas = silver + quarentena em todas as tabelas"]
    if contagens["itens_ambiguos"]:
        partes.append("itens de unidade ambígua: {}".format(contagens["itens_ambiguos"]))
    if contagens["data"]:
        partes.append("pedidos de {}: {}".format(contagens["data"], contagens["pedidos_do_dia"]))
    if contagens["arquivos_ignorados"]:
        partes.append("arquivos ignorados: {}".format(", ".join(contagens["arquivos_ignorados"])))
    return "\n".join(partes)


if __name__ == "__main__":
    executar_trabalho("silver", executar)
