"""The rules of silver: what the columns of each table are, and which rows are refused, with which reason.

A row that breaks several rules has the reason of the first one. README.md lists them in order.
"""

from collections import OrderedDict, namedtuple

from pyspark.sql import Window
from pyspark.sql import functions as F

from lago import CANCELADO, DINHEIRO, FINALIZADO, INDEFINIDO, PENDENTE

#: A column of a source file: its name in the header, its name in silver, and how its text is read.
Campo = namedtuple("Campo", "origem nome tipo chave opcional")


def _campo(origem, nome, tipo, chave=False, opcional=False):
    return Campo(origem, nome, tipo, chave, opcional)


#: The columns of each table, in the usual order of the files; tables in the order of their references.
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
DE_REFERENCIA = ("pais", "estado", "unidade", "produto")

#: Values that the business knows, found without regard to case, accents and spaces.
TIPOS = {"lojaonline": "Loja Online", "lojafisica": "Loja Física"}
STATUS = {"finalizado": FINALIZADO, "pendente": PENDENTE, "cancelado": CANCELADO}

#: What is mended in a row and counted: cp1252 or Latin-1 instead of UTF-8, a comma before the cents, a spelling.
NORMALIZACOES = ("latin1", "virgula_decimal", "grafia")

_SEM_ENDERECO = "--"
_NUMEROS = {
    "id": (r"^\d{1,9}$", "int"),
    "id_longo": (r"^\d{1,18}$", "bigint"),
    "quantidade": (r"^-?\d{1,9}$", "int"),
    # A third decimal would be rounded away by the cast: refused instead.
    "dinheiro": (r"^-?\d{1,10}(\.\d{1,2})?$", DINHEIRO),
}
#: Money as it is written in Brazil: a comma before the cents, points between the thousands or not.
_COM_VIRGULA = r"^-?(\d{1,10}|\d{1,3}(\.\d{3}){1,3}),\d{1,2}$"
#: Damaged text: bytes of no known encoding, and control characters (UTF-16 read byte by byte has them).
_DANIFICADA = "[\ufffd\u0000-\u0008\u000b\u000c\u000e-\u001f]"

_COM_ACENTO, _SEM_ACENTO = "áàâãäéèêëíìîïóòôõöúùûüçñ", "aaaaaeeeeiiiiooooouuuucn"


def simples(texto):
    """A header or known value reduced to its letters and digits, as ``coluna_simples`` does it in Spark."""
    reduzido = texto.lower().translate(str.maketrans(_COM_ACENTO, _SEM_ACENTO))
    return "".join(letra for letra in reduzido if letra in "abcdefghijklmnopqrstuvwxyz0123456789,")


def coluna_simples(coluna):
    return F.regexp_replace(F.translate(F.lower(coluna), _COM_ACENTO, _SEM_ACENTO), "[^a-z0-9,]", "")


# --- a row by itself ---------------------------------------------------------------------------------------------


def aplicar_regras(linhas, tabela):
    """Types the columns of a table's lines; the first rule that a line breaks becomes its reason."""
    campos = CAMPOS[tabela]
    df = linhas.filter((F.col("tabela") == tabela) & F.col("eh_dado"))
    df = _com_valores(df, len(campos))
    posicao = {campo.nome: F.get("posicoes", F.lit(ordem)) for ordem, campo in enumerate(campos)}
    textos = {nome: F.trim(F.get("_v", p - 1)) for nome, p in posicao.items()}
    esperado = ",".join(campo.origem for campo in campos)
    regras = [
        (
            "cabecalho_invalido",
            ~F.col("cabecalho_ok"),
            F.concat(F.lit("esperado {}; encontrado ".format(esperado)), F.substring("cabecalho", 1, 200)),
        ),
        ("codificacao_invalida", F.col("linha").rlike(_DANIFICADA), F.lit("bytes que não são UTF-8 nem Latin-1")),
        (
            "linha_malformada",
            F.col("_v").isNull(),
            F.lit("esperadas {} colunas e aspas fechadas".format(len(campos))),
        ),
    ]
    tipados, virgulas, grafias = {}, [], []
    for ordem, motivo, campo, condicao, valor in sorted(
        (regra for campo in campos for regra in _regras_do_campo(campo, textos[campo.nome])), key=lambda regra: regra[0]
    ):
        if motivo is None:
            tipados[campo.nome] = valor
            if campo.tipo == "dinheiro":
                virgulas.append(F.coalesce(textos[campo.nome].rlike(_COM_VIRGULA), F.lit(False)))
            elif campo.tipo in ("tipo", "status"):
                grafias.append(F.coalesce(textos[campo.nome] != valor, F.lit(False)))
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
        "numero",
        "linha",
        "unidade_pasta",
        "data_pasta",
        "recepcao",
        "substituida",
        "latin1",
        _algum(virgulas).alias("virgula_decimal"),
        _algum(grafias).alias("grafia"),
    )


def _algum(condicoes):
    junta = F.lit(False)
    for condicao in condicoes:
        junta = junta | condicao
    return junta


def _com_valores(df, colunas):
    """Adds ``_v``: the texts of a line, in the order of its file; null if there are too many, too few or open quotes."""
    nomes = ["_{}".format(n) for n in range(colunas)]
    esquema = ", ".join("{} string".format(nome) for nome in nomes) + ", _malformada string"

    def lidos(separador):
        opcoes = {"sep": separador, "escape": '"', "mode": "PERMISSIVE", "columnNameOfCorruptRecord": "_malformada"}
        return F.from_csv("linha", esquema, opcoes)

    # A column of its own, so that it is worked out once and not once for each value.
    df = df.withColumn("_t", F.when(F.col("separador") == ";", lidos(";")).otherwise(lidos(",")))
    aspas = F.length("linha") - F.length(F.replace(F.col("linha"), F.lit('"'), F.lit("")))
    inteira = F.col("_t._malformada").isNull() & (aspas % 2 == 0)
    return df.withColumn("_v", F.when(inteira, F.array(*["_t." + nome for nome in nomes])))


def _regras_do_campo(campo, texto):
    """(order, reason, field, condition, None) of each rule of a field, and its typed value with reason None."""
    vazio = texto.isNull() | (texto == "")
    if not campo.opcional:
        yield (0, "chave_ausente", campo, vazio, None) if campo.chave else (1, "campo_ausente", campo, vazio, None)
    if campo.tipo in _NUMEROS:
        padrao, tipo = _NUMEROS[campo.tipo]
        if campo.tipo == "dinheiro":
            sem_milhares = F.translate(texto, ".", "")
            texto = F.when(texto.rlike(_COM_VIRGULA), F.translate(sem_milhares, ",", ".")).otherwise(texto)
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
        valor = F.coalesce(*[F.when(coluna_simples(texto) == chave, F.lit(v)) for chave, v in conhecidos.items()])
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


# --- a row among others ------------------------------------------------------------------------------------------


def classificar_referencia(linhas, tabela, referida):
    """The rows of one of head office's tables. Always small: in one partition nothing has to be shuffled.

    ``referida`` is the table that its rows point to, None if it points to none.
    """
    df = aplicar_regras(linhas, tabela).coalesce(1)
    if tabela == "estado":
        df = _exigir_referencia(df, referida, "id_pais", "pais_desconhecido")
    elif tabela == "unidade":
        df = _exigir_referencia(df, referida, "id_estado", "estado_desconhecido")
    return _marcar_repetidas(df, [campo.nome for campo in CAMPOS[tabela] if campo.chave], tabela)


def classificar_pedidos(linhas, unidades, das_pastas):
    """The orders. ``das_pastas`` are unit and day of the order files in folders: they replace flat orders."""
    df = aplicar_regras(linhas, "pedido")
    df = recusar(df, "Id_Unidade", F.col("id_unidade"), ("unidade_divergente", F.col("unidade_pasta") != F.col("id_unidade")))
    outro_dia = F.col("data_pasta").isNotNull() & (F.col("data") != F.col("data_pasta").cast("date"))
    df = recusar(df, "Data_Pedido", F.col("data"), ("data_divergente", outro_dia))
    df = _exigir_referencia(df, unidades, "id_unidade", "unidade_desconhecida")
    reenviados = F.broadcast(das_pastas.withColumn("_reenviado", F.lit(True)))
    df = df.join(reenviados, ["id_unidade", "data"], "left")
    do_plano = F.col("data_pasta").isNull() & F.coalesce("_reenviado", F.lit(False))
    df = recusar(
        df, "arquivo", F.col("arquivo"), ("versao_substituida", do_plano | F.col("substituida"))
    ).drop("_reenviado")  # fmt: skip
    return _marcar_repetidas(df, ["data_pasta", "id_unidade", "id_pedido"], "pedido")


def classificar_itens(linhas, produtos, pedidos):
    """The items. ``pedidos`` are all orders read with them, refused ones too."""
    df = aplicar_regras(linhas, "item_pedido")
    df = _exigir_referencia(df, produtos, "id_produto", "produto_desconhecido")
    df = _atribuir_pedido(df, pedidos)
    df = recusar(df, "arquivo", F.col("arquivo"), ("versao_substituida", F.col("substituida")))
    # Lines of different units' orders share the number in a flat file: that many versions of a key are no conflict.
    versoes = F.when(F.col("ambiguo"), F.size("unidades_candidatas")).otherwise(1)
    return _marcar_repetidas(df, ["data_pasta", "id_unidade", "id_pedido", "id_item_pedido"], "item_pedido", versoes)


def _exigir_referencia(df, referida, coluna, motivo):
    """Refuses rows whose ``coluna`` names a row that the reference table does not have."""
    conhecidos = F.broadcast(referida.select(coluna, F.lit(True).alias("_conhecido")))
    juntos = df.join(conhecidos, coluna, "left")
    return recusar(juntos, coluna, F.col(coluna), (motivo, F.col("_conhecido").isNull())).drop("_conhecido")


def _atribuir_pedido(itens, pedidos):
    """Gives each item its unit, its order's day and status; ITEM_PEDIDO itself says none of them.

    An item in a folder belongs to the order with its number in the same folder. A flat item belongs to a flat order:
    if one unit used the number that is the unit, if several did it stays null and the item is ``ambiguo``. Its status
    and day are then what all its possible orders agree on; an order in quarantine agrees with nothing, but it is a
    possible order: that one is refused does not make its items another's.
    """
    aceito = F.col("motivo").isNull()
    candidatos = (
        pedidos.filter("id_pedido is not null and (id_unidade is not null or unidade_pasta is not null)")
        .withColumn("_unidade", F.coalesce("unidade_pasta", "id_unidade"))
        .groupBy(F.col("data_pasta").alias("_dia"), F.col("unidade_pasta").alias("_pasta"), "id_pedido")
        .agg(
            F.sort_array(F.collect_set("_unidade")).alias("unidades_candidatas"),
            F.collect_set(F.when(aceito, F.col("_unidade"))).alias("_aceitas"),
            F.collect_set(F.when(aceito, F.col("status"))).alias("_status"),
            F.collect_set(F.when(aceito, F.col("data"))).alias("_dias"),
        )
        .withColumnRenamed("id_pedido", "_numero")
    )
    do_item = (
        (F.col("id_pedido") == F.col("_numero"))
        & F.col("data_pasta").eqNullSafe(F.col("_dia"))
        & F.col("unidade_pasta").eqNullSafe(F.col("_pasta"))
    )
    df = itens.join(candidatos, do_item, "left").drop("_numero", "_dia", "_pasta")
    nenhuma = F.array().cast("array<int>")
    df = df.withColumn("unidades_candidatas", F.coalesce("unidades_candidatas", nenhuma))
    df = df.withColumn("ambiguo", F.size("unidades_candidatas") > 1)
    df = df.withColumn("id_unidade", F.when(F.size("unidades_candidatas") == 1, F.col("unidades_candidatas")[0]))
    certos = F.size("_aceitas") == F.size("unidades_candidatas")
    df = df.withColumn(
        "status", F.when(certos & (F.size("_status") == 1), F.col("_status")[0]).otherwise(F.lit(INDEFINIDO))
    ).withColumn("data", F.when(certos & (F.size("_dias") == 1), F.col("_dias")[0]))
    df = recusar(
        df,
        "Id_Pedido",
        F.col("id_pedido"),
        ("pedido_inexistente", F.size("unidades_candidatas") == 0),
        ("pedido_em_quarentena", F.size("_aceitas") == 0),
    )
    return df.drop("_aceitas", "_status", "_dias")


def _marcar_repetidas(df, chave, tabela, versoes=None):
    """Refuses what would count a key twice.

    ``linha_duplicada``: the same content again (the newest, else the first file's, stays).
    ``versao_substituida``: other content than a later reception has (``referencia/`` is newer than ``Tabela_*``).
    ``chave_conflitante``: more contents than ``versoes`` (one, normally) in the same reception: nothing says which is
    right, so none is taken.
    """
    conteudo = F.to_json(F.struct(*[campo.nome for campo in CAMPOS[tabela]]))
    mesma_chave = Window.partitionBy("_valida", *chave)
    mesmo_conteudo = Window.partitionBy("_valida", *(chave + ["_conteudo"]))
    mesmo_conteudo = mesmo_conteudo.orderBy(F.desc("recepcao"), "arquivo", "numero")
    da_ultima = F.when(F.col("recepcao") == F.col("_ultima"), F.col("_conteudo"))
    df = (
        df.withColumn("_valida", F.col("motivo").isNull())
        .withColumn("_conteudo", conteudo)
        .withColumn("_ultima", F.max("recepcao").over(mesma_chave))
        .withColumn("_contidos", F.size(F.collect_set(da_ultima).over(mesma_chave)))
        .withColumn("_vez", F.row_number().over(mesmo_conteudo))
    )
    visiveis = [coluna for coluna in chave if coluna != "data_pasta"]
    df = recusar(
        df,
        ",".join(visiveis),
        F.concat_ws(",", *[F.coalesce(F.col(coluna).cast("string"), F.lit("?")) for coluna in visiveis]),
        ("linha_duplicada", F.col("_vez") > 1),
        ("versao_substituida", F.col("recepcao") < F.col("_ultima")),
        ("chave_conflitante", F.col("_contidos") > (F.lit(1) if versoes is None else versoes)),
    )
    return df.drop("_valida", "_conteudo", "_ultima", "_contidos", "_vez")
