"""The company's sample: 25 orders, 16 items, 9 of 10 units with orders, 3 countries. Figures worked out by hand.

Every sum is written out order by order, as read in PEDIDO.csv; ``u4/201`` below is order 201 of unit 4.
"""

from decimal import Decimal as D

import pytest
from conftest import conferir_com_oraculo

pytestmark = pytest.mark.usefixtures("lago_real")


def test_nada_se_perde(lago_real):
    tabelas = lago_real.contagens["tabelas"]
    assert {t: (c["lidas"], c["silver"], c["quarentena"]) for t, c in tabelas.items()} == {
        "pais": (3, 3, 0),
        "estado": (10, 10, 0),
        "unidade": (10, 10, 0),
        "produto": (16, 16, 0),
        "pedido": (25, 25, 0),
        "item_pedido": (16, 16, 0),
    }


def test_so_o_pedido_208_tem_dono_certo(lago_real):
    # Of the numbers 201-210 only 208 was used by one unit (2); its two items are known, the other 14 are not.
    assert lago_real.contagens["itens_ambiguos"] == 14
    com_itens = [p for p in lago_real.gold("vendas_consolidadas") if p["itens"]]
    assert [(p["id_unidade"], p["id_pedido"], p["itens"], p["quantidade"], p["valor_itens"]) for p in com_itens] == [
        (2, 208, 2, 4 + 4, 4 * D("120.00") + 4 * D("50.00"))
    ]


def test_vendas_por_pais(lago_real):
    # Finalizado
    brasil = D("450.00") + D("79.90") + D("175.75") + D("349.99") + D("49.99")  # u1/201 u1/209 u2/205 u2/208 u3/204
    argentina = D("85.00") + D("100.00") + D("65.00") + D("55.00") + D("92.00")  # u4/201 u4/210 u5/202 u5/205 u6/206
    chile = D("85.50") + D("63.75") + D("69.50") + D("99.90")  # u7/201 u7/204 u7/210 u8/205
    assert (brasil, argentina, chile) == (D("1105.63"), D("397.00"), D("318.65"))
    assert brasil + argentina + chile == D("1821.28")
    # Pendente
    br_pendente = D("520.00") + D("99.90") + D("189.99")  # u1/206 u2/202 u3/210
    ar_pendente = D("80.00") + D("90.00")  # u4/207 u6/203
    cl_pendente = D("74.00") + D("91.25")  # u9/203 u9/209
    # Cancelado
    br_cancelado = D("289.50") + D("29.99")  # u1/203 u3/207
    ar_cancelado, cl_cancelado = D("78.00"), D("92.30")  # u4/204; u8/202
    # Fees of the Finalizado orders, in the order of the first three lines.
    br_taxa = D("12.50") + D("0.00") + D("8.00") + D("12.50") + D("0.00")
    ar_taxa = D("20.00") + D("40.00") + D("0.00") + D("0.00") + D("15.00")
    cl_taxa = D("5.00") + D("0.00") + D("0.00") + D("10.00")
    lido = {
        p["pais"]: (
            p["unidades"], p["unidades_com_pedidos"],
            p["pedidos"], p["pedidos_finalizados"], p["pedidos_pendentes"], p["pedidos_cancelados"],
            p["receita"], p["valor_pendente"], p["valor_cancelado"], p["taxa_entrega"],
        )
        for p in lago_real.gold("vendas_por_pais")
    }  # fmt: skip
    assert lido == {
        # Unit 10, Porto Alegre, has no orders: 4 units, 3 with orders.
        "Brasil": (4, 3, 10, 5, 3, 2, brasil, br_pendente, br_cancelado, br_taxa),
        "Argentina": (3, 3, 8, 5, 2, 1, argentina, ar_pendente, ar_cancelado, ar_taxa),
        "Chile": (3, 3, 7, 4, 2, 1, chile, cl_pendente, cl_cancelado, cl_taxa),
    }


def test_vendas_por_ano(lago_real):
    lido = {
        (v["ano"], v["filial"].replace("Mr Health - ", ""), v["pais"]): (v["pedidos"], v["receita"])
        for v in lago_real.gold("vendas_por_ano")
    }
    assert lido == {
        (2023, "São Paulo", "Brasil"): (2, D("450.00")),  # 201; 203 cancelled
        (2023, "Rio de Janeiro", "Brasil"): (1, D("0.00")),  # 202 pending
        (2023, "Belo Horizonte", "Brasil"): (1, D("49.99")),  # 204
        (2023, "Buenos Aires", "Argentina"): (2, D("85.00") + D("100.00")),  # 201, 210
        (2023, "Córdoba", "Argentina"): (2, D("65.00") + D("55.00")),  # 202, 205
        (2023, "Rosário", "Argentina"): (1, D("92.00")),  # 206
        (2023, "Santiago", "Chile"): (2, D("85.50") + D("63.75")),  # 201, 204
        (2023, "Valparaíso", "Chile"): (2, D("99.90")),  # 205; 202 cancelled
        (2023, "Concepción", "Chile"): (1, D("0.00")),  # 203 pending
        (2024, "São Paulo", "Brasil"): (2, D("79.90")),  # 209; 206 pending
        (2024, "Rio de Janeiro", "Brasil"): (2, D("175.75") + D("349.99")),  # 205, 208
        (2024, "Belo Horizonte", "Brasil"): (2, D("0.00")),  # 207 cancelled, 210 pending
        (2024, "Buenos Aires", "Argentina"): (2, D("0.00")),  # 204 cancelled, 207 pending
        (2024, "Rosário", "Argentina"): (1, D("0.00")),  # 203 pending
        (2024, "Santiago", "Chile"): (1, D("69.50")),  # 210
        (2024, "Concepción", "Chile"): (1, D("0.00")),  # 209 pending
    }
    assert sum(pedidos for pedidos, _ in lido.values()) == 25
    assert sum(receita for _, receita in lido.values()) == D("1821.28")


def test_vendas_por_unidade_mostra_quem_nada_vendeu(lago_real):
    filiais = {v["id_unidade"]: v for v in lago_real.gold("vendas_por_unidade")}
    assert len(filiais) == 10
    assert [u for u, v in filiais.items() if v["pedidos"]] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert (filiais[10]["filial"], filiais[10]["receita"], filiais[10]["ultimo_pedido"]) == (
        "Mr Health - Porto Alegre", D("0.00"), None,
    )  # fmt: skip


def test_vendas_por_produto(lago_real):
    lido = {
        p["id_produto"]: (p["pedidos"], p["quantidade"], p["valor_itens"], p["quantidade_indefinida"], p["valor_indefinido"])
        for p in lago_real.gold("vendas_por_produto")
    }
    zero = D("0.00")
    assert lido == {
        # 201: units 1, 4, 7, all Finalizado: sold, whoever sold it
        101: (1, 2, 2 * D("25.00"), 0, zero),
        102: (1, 1, 1 * D("15.00"), 0, zero),
        # 202: Pendente, Finalizado, Cancelado; 203: Cancelado, Pendente, Pendente; 204: Finalizado, Cancelado, Finalizado
        103: (0, 0, zero, 1, 1 * D("50.00")),
        104: (0, 0, zero, 5, 5 * D("30.00")),
        105: (0, 0, zero, 6, 6 * D("10.00")),
        106: (0, 0, zero, 2, 2 * D("15.00")),
        # 205: units 2, 5, 8, all Finalizado
        107: (1, 7, 7 * D("18.75"), 0, zero),
        108: (1, 2, 2 * D("22.50"), 0, zero),
        109: (1, 1, 1 * D("25.00"), 0, zero),
        # 206: Pendente, Finalizado; 207: Cancelado, Pendente
        110: (0, 0, zero, 3, 3 * D("250.00")),
        111: (0, 0, zero, 3, 3 * D("20.00")),
        # 208: unit 2, Finalizado
        112: (1, 4, 4 * D("120.00"), 0, zero),
        113: (1, 4, 4 * D("50.00"), 0, zero),
        # 209: Finalizado, Pendente; 210: Pendente, Finalizado, Finalizado
        114: (0, 0, zero, 1, 1 * D("40.00")),
        115: (0, 0, zero, 2, 2 * D("35.00")),
        116: (0, 0, zero, 3, 3 * D("25.00")),
    }
    # 65 (201) + 201.25 (205) + 680 (208) sold, of 2231.25 in all
    assert sum(valor for _, _, valor, _, _ in lido.values()) == D("946.25")
    assert sum(p["valor_total"] for p in lago_real.gold("vendas_por_produto")) == D("2231.25")
    assert sum(p["quantidade_total"] for p in lago_real.gold("vendas_por_produto")) == 47


def test_tudo_como_o_oraculo(lago_real):
    conferir_com_oraculo(lago_real)
