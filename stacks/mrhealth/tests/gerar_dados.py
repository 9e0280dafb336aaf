"""Writes the sample data in ``stacks/mrhealth/dados``: ``python tests/gerar_dados.py [FOLDER]``.

Invented orders of an invented chain of the same shape as the real one: some files flat as head office exports them,
some in the folders of units; byte order marks and CRLF in some, not in others; order numbers that repeat across
units; a unit without orders; and at least one bad row of nearly every kind, so that quarantine is seen at work.

The output depends on nothing but this file: a test compares it with what is committed.
"""

import random
import sys
from decimal import Decimal
from pathlib import Path

CABECALHO_PEDIDO = "Id_Unidade,Id_Pedido,Tipo_Pedido,Data_Pedido,Vlr_Pedido,Endereco Entrega,Taxa_Entrega,Status"
CABECALHO_ITEM = "Id_Pedido,Id_Item_Pedido,Id_Produto,Qtd,Vlr_Item,Observacao"

PAISES = [("BR", "Brasil"), ("PT", "Portugal"), ("UY", "Uruguai")]
ESTADOS = [
    (51, "BR", "Santa Catarina"),
    (52, "BR", "Pernambuco"),
    (53, "BR", "Paraná"),
    (54, "BR", "Bahia"),
    (61, "PT", "Lisboa"),
    (62, "PT", "Porto"),
    (71, "UY", "Montevidéu"),
    (72, "UY", "Maldonado"),
]
UNIDADES = [
    (1, "Mr Health - Florianópolis", 51),
    (2, "Mr Health - Recife", 52),
    (3, "Mr Health - Curitiba", 53),
    (4, "Mr Health - Joinville", 51),
    (5, "Mr Health - Lisboa", 61),
    (6, "Mr Health - Porto", 62),
    (7, "Mr Health - Montevidéu", 71),
    (8, "Mr Health - Punta del Este", 72),
    (9, "Mr Health - Salvador", 54),
]
PRODUTOS = [
    (501, "Moqueca de Banana-da-Terra", "42.90"),
    (502, "Caldo Verde sem Chouriço", "19.50"),
    (503, "Salada de Quinoa e Manga", "28.00"),
    (504, "Escondidinho de Mandioca", "33.50"),
    (505, "Suco de Cupuaçu", "12.00"),
    (506, "Água de Coco", "8.50"),
    (507, "Pão de Queijo Integral", "6.75"),
    (508, "Risoto de Abóbora", "39.90"),
    (509, "Tapioca de Legumes", "21.00"),
    (510, "Pastel de Nata Vegano", "9.90"),
    (511, "Picolé de Cajá", "11.25"),
    (512, "Ceviche de Palmito", "36.00"),
]
RUAS = {
    1: ["Rua Bocaiúva, 210, Florianópolis, SC", "Av. Beira-Mar Norte, 1800, Florianópolis, SC"],
    2: ["Rua da Aurora, 77, Recife, PE", "Av. Boa Viagem, 3040, Recife, PE"],
    3: ["Rua XV de Novembro, 640, Curitiba, PR", "Alameda Cabral, 18, Curitiba, PR"],
    4: ["Rua Visconde de Taunay, 305, Joinville, SC"],
    5: ["Rua Augusta, 14, 2.º Esq., Lisboa", "Av. da Liberdade, 110, Lisboa"],
    6: ["Rua de Santa Catarina, 88, Porto", "Largo do Carmo 5"],
    7: ["18 de Julio 1453", "Bulevar Artigas, 900, Montevidéu"],
    8: ["Calle Gorlero, 620, Punta del Este"],
}
OBSERVACOES = ["", "Sem coentro", "Bem passado, sem sal", "Molho à parte", 'Escrever "Parabéns" na caixa', "Sem glúten"]
DATAS = [f"{ano}-{mes:02d}-{dia:02d}" for ano, mes, dia in [
    (2023, 2, 11), (2023, 5, 6), (2023, 6, 24), (2023, 9, 7), (2023, 12, 31),
    (2024, 1, 1), (2024, 2, 29), (2024, 4, 20), (2024, 7, 13), (2024, 10, 5), (2024, 11, 18),
]]  # fmt: skip


class Sorte:
    """Random choices by ``random()`` alone, the one method whose sequence Python guarantees across versions."""

    def __init__(self, semente):
        self._fonte = random.Random(semente)

    def ate(self, n):
        return int(self._fonte.random() * n)

    def de(self, opcoes):
        return opcoes[self.ate(len(opcoes))]


def citar(texto):
    return '"' + texto.replace('"', '""') + '"'


def pedido_com_itens(sorte, unidade, numero, data, status=None):
    """The lines of an order and of its items; the value is what the items and the delivery cost."""
    online = sorte.ate(10) < 6
    taxa = Decimal(sorte.de(["5.00", "7.50", "9.90", "12.00"])) if online else Decimal("0.00")
    valor, itens = taxa, []
    for item in range(1, 2 + sorte.ate(3)):
        produto, _, preco = sorte.de(PRODUTOS[:11])
        quantidade = 1 + sorte.ate(4)
        valor += quantidade * Decimal(preco)
        itens.append(f"{numero},{item},{produto},{quantidade},{preco},{citar(sorte.de(OBSERVACOES))}")
    endereco = citar(sorte.de(RUAS[unidade])) if online else '"--"'
    status = status or sorte.de(["Finalizado"] * 7 + ["Pendente"] * 2 + ["Cancelado"])
    tipo = "Loja Online" if online else "Loja Física"
    return f"{unidade},{numero},{tipo},{data},{valor},{endereco},{taxa},{status}", itens


def pedidos_planos(sorte):
    """The flat pair of files. Numbers of neighbouring units overlap: some belong to one unit, some to three."""
    pedidos, itens = [], []
    for unidade in range(1, 7):
        for passo in range(9):
            numero = 1001 + (unidade - 1) * 4 + passo
            linha, seus = pedido_com_itens(sorte, unidade, numero, sorte.de(DATAS))
            pedidos.append(linha)
            itens += seus
    pedidos += [
        pedidos[3],  # the same line again
        '3,1090,Loja Online,2024-03-02,12O.50,"Rua Augusta, 3, Curitiba, PR",7.50,Finalizado',  # letter O for zero
        '2,1091,Loja Física,2024-02-30,48.00,"--",0.00,Finalizado',  # no such day
        '1,,Loja Física,2024-03-04,31.00,"--",0.00,Finalizado',  # no number
        '4,1092,Loja Física,,27.90,"--",0.00,Pendente',  # no date
        '5,1093,Loja Online,2024-03-05,64.20,"Rua Nova, 9, Lisboa",5.00,Devolvido',  # unknown status
        '6,1094,Telefone,2024-03-06,18.40,"Rua do Sol, 1, Porto",5.00,Finalizado',  # unknown type
        '1,1095,Loja Física,2024-03-07,-35.90,"--",0.00,Finalizado',  # negative value
        '77,1096,Loja Física,2024-03-08,22.00,"--",0.00,Finalizado',  # no such unit
        "2,1097,Loja Física,2024-03-09,19.50",  # cut off
        '3,1098,Loja Física,2024-03-10,40.00,"--",0.00,Finalizado',  # one number, two values:
        '3,1098,Loja Física,2024-03-10,44.00,"--",0.00,Finalizado',  # nothing says which is right
        '4,1099,loja fisica,2024-03-11,33.50,"--",0.00,FINALIZADO',  # good: case and accents do not matter
    ]
    unico = next(linha for linha in itens if linha.startswith("1002,1,"))
    itens += [
        itens[0],  # the same line again
        unico.replace("1002,1,", "1002,9,"),  # two lines number 9 of an order of one unit:
        unico.replace("1002,1,", "1002,9,").replace(',"', ',"Trocar: ', 1),  # nothing says which is right
        '1099,1,504,1,33.50,""',
        '1003,8,505,dois,12.00,"Quantidade por extenso"',
        '1003,9,506,-2,8.50,"Devolução"',
        '1004,8,507,0,6.75,"Desistiu"',
        '1004,9,599,1,15.00,"Fora do cardápio"',
        '1090,1,503,4,28.00,"De um pedido recusado"',
        '9999,1,505,1,12.00,"De pedido nenhum"',
        '1001,9,510,1,9.90,"Aspas que não fecham',
    ]
    return pedidos, itens


def pedidos_das_pastas(sorte):
    """Pairs of files as units send them: (unit, day) to (order lines, item lines)."""
    pastas = {}
    # Unit 7 numbers from 1001 as the flat files do: its folder says that the orders are its own.
    for unidade, data, numeros in [
        (2, "2024-11-19", range(1040, 1046)),
        (7, "2024-11-19", range(1001, 1006)),
        (7, "2024-11-20", range(1006, 1011)),
        (8, "2024-11-20", range(1001, 1005)),
    ]:
        pedidos, itens = [], []
        for numero in numeros:
            linha, seus = pedido_com_itens(sorte, unidade, numero, data)
            pedidos.append(linha)
            itens += seus
        pastas[unidade, data] = (pedidos, itens)
    # Pending when first sent. That it was finished the day after is said in the wrong file: the folder says the day.
    depois, itens = pedido_com_itens(sorte, 7, 1011, "2024-11-19", "Finalizado")
    pastas[7, "2024-11-19"][0].append(depois.replace("Finalizado", "Pendente"))
    pastas[7, "2024-11-19"][1].extend(itens)
    pastas[7, "2024-11-20"][0].append(depois)
    pastas[8, "2024-11-20"][0].append('6,1005,Loja Física,2024-11-20,57.00,"--",0.00,Finalizado')  # not unit 8's
    return pastas


def gravar(pasta, caminho, cabecalho, linhas, bom=True, fim="\r\n"):
    arquivo = Path(pasta, caminho)
    arquivo.parent.mkdir(parents=True, exist_ok=True)
    texto = fim.join([cabecalho] + linhas) + fim
    arquivo.write_bytes((b"\xef\xbb\xbf" if bom else b"") + texto.encode("utf-8"))


def gerar(pasta):
    sorte = Sorte("mrhealth")
    pedidos, itens = pedidos_planos(sorte)
    gravar(pasta, "PEDIDO.csv", CABECALHO_PEDIDO, pedidos)
    gravar(pasta, "ITEM_PEDIDO.csv", CABECALHO_ITEM, itens)
    for (unidade, data), (pedidos, itens) in pedidos_das_pastas(sorte).items():
        onde = f"unidade={unidade}/data={data}/"
        estilo = {"bom": False, "fim": "\n"} if unidade == 2 else {}
        gravar(pasta, onde + "PEDIDO.csv", CABECALHO_PEDIDO, pedidos, **estilo)
        gravar(pasta, onde + "ITEM_PEDIDO.csv", CABECALHO_ITEM, itens, **estilo)

    produtos = [f"{numero},{nome}" for numero, nome, _ in PRODUTOS]
    gravar(pasta, "Tabela_Produto.csv", "Id_Produto,Nome_Produto", produtos + produtos[4:5])
    gravar(pasta, "Tabela_Unidade.csv", "Id_Unidade,Nome_Unidade,Id_Estado", [",".join(map(str, u)) for u in UNIDADES])
    gravar(pasta, "Tabela_Estado.csv", "id_estado,id_pais,nome_estado", [",".join(map(str, e)) for e in ESTADOS])
    gravar(pasta, "Tabela_Pais.csv", "Id_Pais,Nome_Pais", [",".join(pais) for pais in PAISES])


if __name__ == "__main__":
    gerar(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "dados")
