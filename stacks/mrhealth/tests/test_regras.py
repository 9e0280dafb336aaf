"""The row rules, all on one lake: each line below says what must become of it."""

import pytest
from conftest import conferir_com_oraculo
from gerar_dados import CABECALHO_ITEM, CABECALHO_PEDIDO

REFERENCIAS = {
    "Tabela_Pais.csv": "\ufeffId_Pais,Nome_Pais\r\nBR,Brasil\r\n",
    # A state of no country, and a unit in it.
    "Tabela_Estado.csv": "ID_ESTADO,ID_PAIS,NOME_ESTADO\n1,BR,Ceará\n2,XX,Nenhures\n",
    "Tabela_Unidade.csv": "Id_Unidade,Nome_Unidade,Id_Estado\n1,Um,1\n2,Dois,1\n3,Três,2\n",
    # Head office's database is newer than a file: 7 was renamed, 8 is the same, 9 only the file has.
    "Tabela_Produto.csv": "Id_Produto,Nome_Produto\n7,Sopa\n8,Suco\n9,Bolo\n",
    "referencia/produto.csv": 'id_produto,nome_produto\n7,"Sopa, do dia"\n8,Suco\n',
}

PEDIDOS = {
    '1,1,Loja Física,2024-01-01,10.00,"--",0.00,Finalizado': None,
    " 1 , 2 ,LOJA  FISICA, 2024-01-01 ,10, -- ,0.0, finalizado ": None,
    '"1","3","Loja Online","2024-01-01","10.5","Rua ""A"", 1","2","Pendente"': None,
    '1,4,Loja Física,2024-01-01,10.005,"--",0.00,Finalizado': "numero_invalido",
    '1,5,Loja Física,2024-01-01,"10,505","--",0.00,Finalizado': "numero_invalido",
    '1,50,Loja Física,2024-01-01,"10,50","--","1.234,56",Finalizado': None,
    '1,51,Loja Física,2024-01-01,"1,234.56","--",0.00,Finalizado': "numero_invalido",
    '1,52,Loja Física,2024-01-01,10.00,"Caminho \x00",0.00,Finalizado': "codificacao_invalida",
    '1,6,Loja Física,2024-01-01,1e3,"--",0.00,Finalizado': "numero_invalido",
    '1,7,Loja Física,2024-01-01,99999999999.00,"--",0.00,Finalizado': "numero_invalido",
    '1,-8,Loja Física,2024-01-01,10.00,"--",0.00,Finalizado': "numero_invalido",
    'um,9,Loja Física,2024-01-01,10.00,"--",0.00,Finalizado': "numero_invalido",
    '1,10,Loja Física,01/02/2024,10.00,"--",0.00,Finalizado': "data_invalida",
    '1,11,Loja Física,2023-02-29,10.00,"--",0.00,Finalizado': "data_invalida",
    '1,12,Loja Física,2024-1-1,10.00,"--",0.00,Finalizado': "data_invalida",
    '1,13,Loja Física,2024-01-01,10.00,"--",-0.01,Finalizado': "valor_negativo",
    '1,14,Loja Física,2024-01-01,10.00,"--",,Finalizado': "campo_ausente",
    ',15,Loja Física,2024-01-01,10.00,"--",0.00,Finalizado': "chave_ausente",
    '1,16,,2024-01-01,10.00,"--",0.00,Finalizado': "campo_ausente",
    '1,17,Delivery,2024-01-01,10.00,"--",0.00,Finalizado': "tipo_desconhecido",
    '1,18,Loja Física,2024-01-01,10.00,"--",0.00,Pago': "status_desconhecido",
    '1,19,Loja Física,2024-01-01,10.00,"--",0.00,Finalizado,sobra': "linha_malformada",
    # A line break inside quotes: two halves that are no rows.
    '1,20,Loja Online,2024-01-01,10.00,"Rua B': "linha_malformada",
    'fundos",5.00,Finalizado': "linha_malformada",
    "1;21;Loja Física;2024-01-01;10.00;--;0.00;Finalizado": "linha_malformada",
    '3,22,Loja Física,2024-01-01,10.00,"--",0.00,Finalizado': "unidade_desconhecida",
    # The same order, written differently.
    '1,1,loja física,2024-01-01,10.0,--,0,FINALIZADO': "linha_duplicada",
    '1,23,Loja Física,2024-01-01,10.00,"--",0.00,Finalizado': "chave_conflitante",
    '1,23,Loja Física,2024-01-01,10.00,"--",0.00,Cancelado': "chave_conflitante",
    # Number 24 belongs to two units.
    '1,24,Loja Física,2024-01-01,10.00,"--",0.00,Finalizado': None,
    '2,24,Loja Física,2024-01-01,10.00,"--",0.00,Cancelado': None,
    # Number 25 too, but unit 2's is refused.
    '1,25,Loja Física,2024-01-01,10.00,"--",0.00,Finalizado': None,
    '2,25,Loja Física,2024-01-01,?,"--",0.00,Finalizado': "numero_invalido",
    # Unit 1 has sent that day again in its folder.
    '1,60,Loja Física,2024-02-01,10.00,"--",0.00,Finalizado': "versao_substituida",
    '1,61,Loja Física,2024-02-01,10.00,"--",0.00,Finalizado': "versao_substituida",
    '2,60,Loja Física,2024-02-01,10.00,"--",0.00,Cancelado': None,
}

ITENS = {
    "1,1,7,2,5.00,": None,
    '1,2,8,1,5,"Sem sal, sem óleo"': None,
    "1,3,10,1,5.00,": "produto_desconhecido",
    "1,4,7,1.5,5.00,": "numero_invalido",
    "1,,7,1,5.00,": "chave_ausente",
    "1,6,7,,5.00,": "campo_ausente",
    "1,7,7,-1,5.00,": "valor_negativo",
    "1,8,7,0,5.00,": "quantidade_zero",
    "99,1,7,1,5.00,": "pedido_inexistente",
    "23,1,7,1,5.00,": "pedido_em_quarentena",
    # Two orders number 24: two lines number 1 can both be right, three lines number 2 cannot.
    "24,1,7,1,5.00,": None,
    "24,1,8,1,5.00,": None,
    "24,2,7,1,5.00,": "chave_conflitante",
    "24,2,8,1,5.00,": "chave_conflitante",
    "24,2,9,1,5.00,": "chave_conflitante",
    # It may be the refused order's.
    "25,1,9,3,5.00,": None,
}

PASTA = {
    "unidade=2/data=2024-01-02/PEDIDO.csv": [
        '2,30,Loja Física,2024-01-02,10.00,"--",0.00,Pendente',
        '1,32,Loja Física,2024-01-02,10.00,"--",0.00,Finalizado',
        '2,33,Loja Física,2024-01-01,10.00,"--",0.00,Finalizado',
    ],
    # The number of another day's order: another order.
    "unidade=2/data=2024-01-03/PEDIDO.csv": ['2,30,Loja Física,2024-01-03,10.00,"--",0.00,Finalizado'],
    # Number 1 is unit 1's order: in unit 2's folder it is nobody's.
    "unidade=2/data=2024-01-02/ITEM_PEDIDO.csv": ["30,1,7,1,5.00,", "1,1,7,1,5.00,", "33,1,7,1,5.00,"],
    "unidade=2/data=2024-01-03/ITEM_PEDIDO.csv": ["30,1,7,2,5.00,"],
    # The unit's own file for a day replaces its orders of that day in the flat file.
    "unidade=1/data=2024-02-01/PEDIDO.csv": ['1,60,Loja Física,2024-02-01,12.00,"--",0.00,Finalizado'],
}

#: Whole files that are mended or refused: path -> content, rows in silver, reasons of the others.
ARQUIVOS = {
    "unidade=1/data=2024-03-01/PEDIDO.csv": (
        # Other order, other case, semicolons, decimal commas, Windows line ends, and what Windows calls Latin-1.
        "STATUS;taxa entrega;Id_Unidade;ID_PEDIDO;tipo pedido;Data_Pedido;Vlr_Pedido;ENDEREÇO_ENTREGA\r\n"
        "Finalizado;5,00;1;70;Loja Online;2024-03-01;15,50;Praça “José” Açaí, 3 – fundos\r\n".encode("cp1252"),
        1, [],
    ),
    "unidade=1/data=2024-03-01/ITEM_PEDIDO.csv": (
        # Lines of a UTF-8 file and of a Latin-1 file in one, with the header of each; the last byte is no letter in either.
        (CABECALHO_ITEM + "\n70,1,7,1,10.50,Não\n").encode("utf-8")
        + (CABECALHO_ITEM + "\n70,2,7,1,10.50,Não\n").encode("latin-1")
        + b"70,3,7,1,10.50,N\x81o",
        2, ["codificacao_invalida"],
    ),
    # A column that nobody knows, one missing, no header at all, UTF-16, and nothing to read.
    "unidade=2/data=2024-03-01/PEDIDO.csv": (
        CABECALHO_PEDIDO + ",Desconto\n2,71,Loja Física,2024-03-01,10.00,--,0.00,Finalizado,1\n", 0, ["cabecalho_invalido"],
    ),
    "unidade=2/data=2024-03-01/ITEM_PEDIDO.csv": ("Id_Pedido,Id_Produto,Qtd,Vlr_Item,Obs\n71,7,1,1,\n", 0, ["cabecalho_invalido"]),
    "unidade=2/data=2024-03-02/PEDIDO.csv": (
        "2,72,Loja Física,2024-03-02,10.00,--,0.00,Finalizado\n" * 2, 0, ["cabecalho_invalido"] * 2,
    ),
    "unidade=2/data=2024-03-02/ITEM_PEDIDO.csv": ((CABECALHO_ITEM + "\n1,1,7,1,5.00,").encode("utf-16-le"), 0, ["codificacao_invalida"]),
    "unidade=2/data=2024-03-03/PEDIDO.csv": ("", 0, []),
    "unidade=2/data=2024-03-03/ITEM_PEDIDO.csv": ("\ufeff\r\n \r\n", 0, []),
    "unidade=2/data=2024-03-04/PEDIDO.csv": (CABECALHO_PEDIDO, 0, []),
}  # fmt: skip


def dados():
    """Blank lines, a header in the middle (files put together) and CRLF count for nothing."""
    linhas = list(PEDIDOS)
    arquivos = dict(REFERENCIAS)
    arquivos["PEDIDO.csv"] = "\ufeff" + "\r\n".join([CABECALHO_PEDIDO] + linhas) + "\r\n\r\n"
    arquivos["ITEM_PEDIDO.csv"] = "\n".join([CABECALHO_ITEM.upper()] + list(ITENS))
    for caminho, seus in PASTA.items():
        cabecalho = CABECALHO_ITEM if "ITEM" in caminho else CABECALHO_PEDIDO
        arquivos[caminho] = "\n".join([cabecalho] + seus) + "\n"
    arquivos.update({caminho: conteudo for caminho, (conteudo, _, _) in ARQUIVOS.items()})
    return arquivos


@pytest.fixture(scope="module")
def lago(processar):
    return processar(dados())


def _destinos(lago, tabela, arquivo):
    return {q["linha"]: q["motivo"] for q in lago.quarentena(tabela) if q["arquivo"] == arquivo}


def test_cada_pedido_no_seu_lugar(lago):
    esperado = {linha: motivo for linha, motivo in PEDIDOS.items() if motivo}
    assert _destinos(lago, "pedido", "PEDIDO.csv") == esperado
    aceitos = {(p["id_unidade"], p["id_pedido"]) for p in lago.silver("pedido") if p["arquivo"] == "PEDIDO.csv"}
    assert aceitos == {(1, 1), (1, 2), (1, 3), (1, 50), (1, 24), (2, 24), (1, 25), (2, 60)}


def test_cada_item_no_seu_lugar(lago):
    assert _destinos(lago, "item_pedido", "ITEM_PEDIDO.csv") == {linha: motivo for linha, motivo in ITENS.items() if motivo}
    ambiguos = {(i["id_pedido"], i["id_produto"]) for i in lago.silver("item_pedido") if i["ambiguo"]}
    assert ambiguos == {(24, 7), (24, 8), (25, 9)}
    assert all(i["id_unidade"] is None for i in lago.silver("item_pedido") if i["ambiguo"])


def test_valores_tratados(lago):
    pedidos = {(p["id_unidade"], p["id_pedido"]): p for p in lago.silver("pedido")}
    assert (pedidos[1, 2]["tipo_pedido"], pedidos[1, 2]["status"], pedidos[1, 2]["endereco_entrega"]) == (
        "Loja Física", "Finalizado", None,
    )  # fmt: skip
    assert (str(pedidos[1, 3]["vlr_pedido"]), pedidos[1, 3]["endereco_entrega"]) == ("10.50", 'Rua "A", 1')


def test_pastas(lago):
    pedidos = {(p["id_unidade"], p["id_pedido"], p["data"]): (p["status"], p["arquivo"]) for p in lago.silver("pedido")}
    assert pedidos[2, 30, "2024-01-02"] == ("Pendente", "unidade=2/data=2024-01-02/PEDIDO.csv")
    assert pedidos[2, 30, "2024-01-03"] == ("Finalizado", "unidade=2/data=2024-01-03/PEDIDO.csv")
    assert pedidos[1, 60, "2024-02-01"] == ("Finalizado", "unidade=1/data=2024-02-01/PEDIDO.csv")
    recusas = [(q["motivo"], q["arquivo"]) for t in ("pedido", "item_pedido") for q in lago.quarentena(t)]
    assert sorted(m for m, arquivo in recusas if arquivo.startswith("unidade=2/data=2024-01")) == [
        "data_divergente", "pedido_em_quarentena", "pedido_inexistente", "unidade_divergente",
    ]  # fmt: skip
    do_dia = {i["data"]: (i["id_unidade"], i["qtd"], i["status"]) for i in lago.silver("item_pedido") if i["id_pedido"] == 30}
    assert do_dia == {"2024-01-02": (2, 1, "Pendente"), "2024-01-03": (2, 2, "Finalizado")}


@pytest.mark.parametrize("arquivo", ARQUIVOS)
def test_arquivos(lago, arquivo):
    tabela = "item_pedido" if "ITEM" in arquivo else "pedido"
    _, aceitas, motivos = ARQUIVOS[arquivo]
    assert [linha["arquivo"] for linha in lago.silver(tabela)].count(arquivo) == aceitas
    assert [q["motivo"] for q in lago.quarentena(tabela) if q["arquivo"] == arquivo] == motivos


def test_arquivo_mal_feito_nao_para_os_outros(lago):
    contagens = lago.contagens
    ruins = [nome for nome, (_, _, motivos) in ARQUIVOS.items() if "cabecalho_invalido" in motivos]
    assert contagens["arquivos_recusados"] == sorted(ruins)
    assert contagens["arquivos_vazios"] == sorted(nome for nome, (_, n, motivos) in ARQUIVOS.items() if not n and not motivos)
    [recusada] = [q for q in lago.quarentena("pedido") if q["arquivo"] == "unidade=2/data=2024-03-01/PEDIDO.csv"]
    assert recusada["detalhe"] == "esperado {0}; encontrado {0},Desconto".format(CABECALHO_PEDIDO)
    assert recusada["numero"] == 2


def test_o_que_foi_normalizado(lago):
    [pedido] = [p for p in lago.silver("pedido") if p["id_pedido"] == 70]
    assert (pedido["endereco_entrega"], str(pedido["vlr_pedido"]), str(pedido["taxa_entrega"]), pedido["tipo_pedido"]) == (
        "Praça “José” Açaí, 3 – fundos", "15.50", "5.00", "Loja Online",
    )  # fmt: skip
    assert [i["observacao"] for i in lago.silver("item_pedido") if i["id_pedido"] == 70] == ["Não", "Não"]
    assert str({p["id_pedido"]: p for p in lago.silver("pedido")}[50]["taxa_entrega"]) == "1234.56"
    detalhes = {a["arquivo"]: (a["normalizacoes"], a["detalhe"]) for a in lago.gold("qualidade_arquivos")}
    assert detalhes["unidade=1/data=2024-03-01/PEDIDO.csv"] == (
        4, "colunas_trocadas=1; latin1=1; ponto_e_virgula=1; virgula_decimal=1",
    )  # fmt: skip
    assert detalhes["unidade=1/data=2024-03-01/ITEM_PEDIDO.csv"] == (1, "latin1=1")
    assert detalhes["PEDIDO.csv"] == (3, "bom=1; grafia=1; virgula_decimal=1")
    assert detalhes["unidade=2/data=2024-03-03/PEDIDO.csv"] == (0, "vazio")


def test_referencias(lago):
    assert {p["id_produto"]: p["nome_produto"] for p in lago.silver("produto")} == {
        7: "Sopa, do dia", 8: "Suco", 9: "Bolo",
    }  # fmt: skip
    assert lago.motivos("produto") == {"versao_substituida": 1, "linha_duplicada": 1}
    assert lago.motivos("estado") == {"pais_desconhecido": 1}
    assert lago.motivos("unidade") == {"estado_desconhecido": 1}


def test_item_sem_status_certo_fica_a_vista(lago):
    produtos = {p["id_produto"]: p for p in lago.gold("vendas_por_produto")}
    # Order 24 is Finalizado in unit 1 and Cancelado in unit 2; of orders 25 one is in quarantine.
    assert (produtos[9]["quantidade"], produtos[9]["quantidade_indefinida"]) == (0, 3)
    # Sold: 2 of order 1/1 and 2 of 2/30 (the 3rd), two of 1/70; open: the one of order 24.
    assert (produtos[7]["quantidade"], produtos[7]["quantidade_indefinida"]) == (6, 1)


def test_tudo_como_o_oraculo(lago):
    conferir_com_oraculo(lago)


# --- what stops a run --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "faltam, mensagem",
    [
        (["Tabela_Pais.csv"], r"falta pais em .*/csv \(esperado Tabela_Pais.csv ou referencia/pais.csv\)"),
        (list(dados()), "não há dados de entrada: .*/dados/silver/csv não existe"),
    ],
    ids=["sem tabela", "sem nada"],
)
def test_entrada_que_nao_serve(spark, montar_lago, faltam, mensagem):
    import silver
    from lago import PipelineError

    raiz = montar_lago({nome: texto for nome, texto in dados().items() if nome not in faltam})
    with pytest.raises(PipelineError, match=mensagem):
        silver.executar(spark, raiz.as_uri())
    assert not (raiz / "dados/silver/parquet").exists()


def test_contagens_que_nao_fecham(spark):
    import silver
    from lago import Lago, PipelineError

    lago = Lago(spark, "s3://mrhealth-terraform-123456789012")
    with pytest.raises(PipelineError, match="contagens de pedido não fecham: 25 linhas lidas de .*/x.csv, 23 em silver e 1 em q"):
        silver.reconciliar("pedido", "x.csv", 25, 23, 1, {None: 23, "data_invalida": 1}, lago)


def test_data_de_negocio():
    import argparse

    from lago import _data

    assert _data("2024-11-20") == "2024-11-20"
    for errada in ("20/11/2024", "2024-13-01", "ontem"):
        with pytest.raises(argparse.ArgumentTypeError, match="esperado AAAA-MM-DD"):
            _data(errada)
