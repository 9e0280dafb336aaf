"""Day by day: what a run reads and rewrites, late and corrected files, reruns, backfill, and rows that get lost: none."""

import os
import random
import shutil
from decimal import Decimal as D

import pytest
from conftest import LagoPronto, conferir_com_oraculo, impressao
from gerar_dados import CABECALHO_ITEM, CABECALHO_PEDIDO

#: The end of a month, so that the two days are in two months.
DIA1, DIA2 = "2024-05-31", "2024-06-01"
REFERENCIAS = {
    "Tabela_Pais.csv": "Id_Pais,Nome_Pais\nBR,Brasil\n",
    "Tabela_Estado.csv": "id_estado,id_pais,nome_estado\n1,BR,Ceará\n",
    "Tabela_Unidade.csv": "Id_Unidade,Nome_Unidade,Id_Estado\n1,Um,1\n2,Dois,1\n3,Três,1\n",
    "referencia/produto.csv": "id_produto,nome_produto\n7,Sopa\n8,Suco\n",
    "Tabela_Produto.csv": "Id_Produto,Nome_Produto\n7,Sopa\n",
}


def envio(unidade, dia, *pedidos):
    """The two files of a unit's day. Orders are number, status, value of the order, and (product, pieces, price)s."""
    linhas, itens = [CABECALHO_PEDIDO], [CABECALHO_ITEM]
    for numero, status, valor, *seus in pedidos:
        linhas.append(f"{unidade},{numero},Loja Física,{dia},{valor},--,0.00,{status}")
        itens += [f"{numero},{n},{produto},{qtd},{preco}," for n, (produto, qtd, preco) in enumerate(seus, 1)]
    pasta = f"unidade={unidade}/data={dia}/"
    return {pasta + "PEDIDO.csv": "\n".join(linhas) + "\n", pasta + "ITEM_PEDIDO.csv": "\n".join(itens) + "\n"}


PRIMEIRO_DIA = {
    **REFERENCIAS,
    **envio(1, DIA1, (1, "Finalizado", "30.00", (7, 2, "10.00"), (8, 1, "10.00")), (2, "Pendente", "5.00", (8, 1, "5.00"))),
    # Nobody has told head office of product 9 yet.
    **envio(2, DIA1, (1, "Finalizado", "20.00", (9, 1, "20.00")), (2, "Cancelado", "8.00", (7, 1, "8.00"))),
    # A month before the window of either run: this file is not looked at.
    **envio(2, "2024-04-30", (1, "Finalizado", "999.00", (7, 1, "999.00"))),
}
SEGUNDO_DIA = {
    **envio(1, DIA2, (3, "Finalizado", "12.00", (7, 1, "12.00"))),
    **envio(2, DIA2, (3, "Finalizado", "13.00", (9, 1, "13.00"))),
    **envio(3, DIA2, (1, "Cancelado", "14.00", (8, 2, "7.00"))),
    # Day one again: unit 1 corrects it (order 2 was paid, order 1 was another sum, order 4 is new), unit 3 is late.
    **envio(
        1, DIA1,
        (1, "Finalizado", "31.50", (7, 2, "10.00"), (8, 1, "11.50")), (2, "Finalizado", "5.00", (8, 1, "5.00")),
        (4, "Finalizado", "7.00", (8, 1, "7.00")),
    ),
    **envio(3, DIA1, (1, "Finalizado", "40.00", (8, 5, "8.00"))),
    "referencia/produto.csv": "id_produto,nome_produto\n7,Sopa\n8,Suco\n9,Bolo\n",
}  # fmt: skip


def gravar(raiz, arquivos):
    for caminho, texto in arquivos.items():
        arquivo = raiz / "dados/silver/csv" / caminho
        arquivo.parent.mkdir(parents=True, exist_ok=True)
        arquivo.write_text(texto, encoding="utf-8")


def rodar(spark, raiz, *args, **kwargs):
    import gold
    import silver

    contagens = silver.executar(spark, raiz.as_uri(), *args, **kwargs)
    return contagens, gold.executar(spark, raiz.as_uri(), *args, **kwargs)


class Historia:
    """A lake after the first day, after the second, and after the second again."""


@pytest.fixture(scope="module")
def historia(spark, montar_lago):
    h = Historia()
    h.raiz = montar_lago(PRIMEIRO_DIA)
    h.primeira = rodar(spark, h.raiz, DIA1)
    h.depois_da_primeira = LagoPronto(h.raiz, *h.primeira)
    h.vistos = {nome: h.depois_da_primeira.gold(nome) for nome in ("vendas_por_unidade", "vendas_por_produto")}
    gravar(h.raiz, SEGUNDO_DIA)
    h.segunda = rodar(spark, h.raiz, DIA2)
    h.impressao = impressao(h.raiz)
    h.escritos = {a: a.stat().st_mtime_ns for a in (h.raiz / "dados").rglob("*.parquet")}
    h.de_novo = rodar(spark, h.raiz, DIA2)
    # What the runs must have seen: everything but the day outside their window.
    shutil.rmtree(h.raiz / "dados/silver/csv/unidade=2/data=2024-04-30")
    h.lago = LagoPronto(h.raiz, *h.segunda)
    return h


def test_primeiro_dia(historia):
    contagens, resumo = historia.primeira
    assert contagens["dias"] == resumo["dias"] == [DIA1]
    assert contagens["tabelas"]["pedido"]["arquivos"] == 2
    assert contagens["tabelas"]["item_pedido"]["motivos"] == {"produto_desconhecido": 1}
    unidades = {u["id_unidade"]: (u["pedidos"], u["receita"]) for u in historia.vistos["vendas_por_unidade"]}
    assert unidades == {1: (2, D("30.00")), 2: (2, D("20.00")), 3: (0, D("0.00"))}
    assert resumo["qualidade"]["ausentes"] == {DIA1: ["Três (3)"]}


def test_correcao_e_atraso_chegam_com_o_segundo_dia(historia):
    contagens, resumo = historia.segunda
    assert contagens["dias"] == resumo["dias"] == [DIA1, DIA2]
    lago = historia.lago
    unidades = {u["id_unidade"]: (u["pedidos"], u["receita"], str(u["ultimo_pedido"])) for u in lago.gold("vendas_por_unidade")}
    assert unidades == {
        1: (4, D("31.50") + D("5.00") + D("7.00") + D("12.00"), DIA2),
        2: (3, D("20.00") + D("13.00"), DIA2),
        3: (2, D("40.00"), DIA2),
    }
    # The item of product 9 was refused on day one and is right since head office knows the product.
    bolo = [p for p in lago.gold("vendas_por_produto") if p["id_produto"] == 9]
    assert [(p["produto"], p["quantidade"], p["valor_itens"]) for p in bolo] == [("Bolo", 2, D("33.00"))]
    meses = {(c["mes"], c["id_unidade"]): c["cancelados"] for c in lago.gold("cancelamentos")}
    assert meses == {("2024-05", 1): 0, ("2024-05", 2): 1, ("2024-05", 3): 0, ("2024-06", 1): 0, ("2024-06", 2): 0, ("2024-06", 3): 1}


def test_dia_a_dia_da_o_que_o_oraculo_diz(historia):
    """The oracle reads the folder as it is now; the counts of a run are of the files that it read: both days, here."""
    conferir_com_oraculo(historia.lago)


def test_de_novo_da_o_mesmo(historia):
    contagens, resumo = historia.de_novo
    assert contagens["dias"] == resumo["dias"] == [DIA2]
    assert impressao(historia.raiz) == historia.impressao
    # Day one is not even written again, nor are head office's tables.
    agora = {a: a.stat().st_mtime_ns for a in (historia.raiz / "dados").rglob("*.parquet")}
    assert set(agora) == set(historia.escritos)
    iguais = {a.parent.name for a in agora if agora[a] == historia.escritos[a]}
    assert f"data={DIA1}" in iguais and "unidade" in iguais and "mes=2024-05" in iguais
    assert {a.parent.name for a in agora if agora[a] != historia.escritos[a]}.isdisjoint({f"data={DIA1}", "mes=2024-05"})
    assert not list((historia.raiz / "dados").rglob("_pendentes/data=*")) and not os.listdir(historia.raiz / "dados/_preparo")


def test_periodo_da_o_mesmo_que_dia_a_dia(spark, historia, montar_lago):
    raiz = montar_lago({**PRIMEIRO_DIA, **SEGUNDO_DIA})
    contagens, _ = rodar(spark, raiz, de=DIA1, ate=DIA2)
    assert contagens["dias"] == [DIA1, DIA2]
    assert impressao(raiz) == historia.impressao


def test_interrupcao_e_retomada(spark, historia, monkeypatch, tmp_path):
    """Killed while it publishes a correction: gold waits, and the next run, of whatever day, finishes it first."""
    import gold
    import silver
    from lago import Lago, PipelineError

    raiz = tmp_path / "lago"
    shutil.copytree(historia.raiz, raiz)
    gravar(raiz, envio(3, DIA1, (1, "Finalizado", "41.00", (8, 5, "8.00"))))
    feitas, substituir = [], Lago.substituir

    def morrer(self, origem, destino):
        if destino.endswith(".parquet"):
            feitas.append(destino)
            if len(feitas) == 2:
                raise KeyboardInterrupt
        substituir(self, origem, destino)

    monkeypatch.setattr(Lago, "substituir", morrer)
    monkeypatch.setattr(Lago, "em_paralelo", lambda self, funcao, itens, quantas=1: [funcao(item) for item in itens])
    with pytest.raises(KeyboardInterrupt):
        silver.executar(spark, raiz.as_uri(), DIA2)
    monkeypatch.undo()
    with pytest.raises(PipelineError, match="a publicação de silver foi interrompida .*_preparo.: execute o passo silver"):
        gold.executar(spark, raiz.as_uri(), DIA2)
    contagens, _ = rodar(spark, raiz, DIA2)
    assert (contagens["publicacoes_retomadas"], contagens["dias"]) == (1, [DIA2])
    unidades = {u["id_unidade"]: u["receita"] for u in LagoPronto(raiz, None, None).gold("vendas_por_unidade")}
    assert unidades[3] == D("41.00")


# --- every row in one place --------------------------------------------------------------------------------------


def _estragar(sorte, valores):
    """A row with something wrong in it, or nothing: a value lost, doubled, changed, or the line broken."""
    valores = list(valores)
    for _ in range(sorte.choice([0, 0, 1, 1, 2])):
        n = sorte.randrange(len(valores) - 1)
        valores[n] = sorte.choice(
            ["", "-1", "0", "x", "99", "1e3", '"', "1,5", '"1,5"', "2024-02-30", "2024-01-09", "Çã", "1.005", ";", "\ufeff1"]
        )
    return ",".join(valores)


def test_nenhuma_linha_em_dois_lugares_nem_em_nenhum(spark, montar_lago):
    """Random rows, each with a mark of its own in a free text column: every mark is in silver or in quarantine, once."""
    import silver

    sorte = random.Random(4)
    arquivos, marcas = dict(REFERENCIAS), []

    def marca():
        marcas.append(f"<{len(marcas)}>")
        return marcas[-1]

    for pasta in ["", *[f"unidade={u}/data=2024-01-0{d}/" for u in (1, 2, 9) for d in (1, 2)]]:
        dia = pasta[-11:-1] or "2024-01-05"
        pedidos, itens = [CABECALHO_PEDIDO], [CABECALHO_ITEM]
        for _ in range(60):
            unidade = pasta[8:9] or str(sorte.randint(1, 3))
            numero = str(sorte.randint(1, 40))
            tipo, status = sorte.choice(["Loja Online", "loja fisica"]), sorte.choice(["Finalizado", "PENDENTE", "Cancelado"])
            # The mark is last, where it is not damaged: columns in another order, at that.
            pedidos.append(_estragar(sorte, [unidade, numero, tipo, dia, "10.00", "1.00", status, marca()]))
            itens.append(_estragar(sorte, [numero, str(sorte.randint(1, 3)), "7", "1", "9.00", marca()]))
        pedidos[0] = "Id_Unidade,Id_Pedido,Tipo_Pedido,Data_Pedido,Vlr_Pedido,Taxa_Entrega,Status,Endereco Entrega"
        codificacao = sorte.choice(["utf-8", "cp1252"])
        arquivos[pasta + "PEDIDO.csv"] = "\r\n".join(pedidos).replace("\ufeff", "").encode(codificacao)
        arquivos[pasta + "ITEM_PEDIDO.csv"] = "\n".join(itens).replace("\ufeff", "").encode("utf-8")
    lago = LagoPronto(*[(raiz := montar_lago(arquivos)), silver.executar(spark, raiz.as_uri()), None])
    em_silver = [p["endereco_entrega"] for p in lago.silver("pedido")] + [i["observacao"] for i in lago.silver("item_pedido")]
    em_quarentena = [q["linha"].rsplit(",", 1)[-1] for t in ("pedido", "item_pedido") for q in lago.quarentena(t)]
    assert len(em_silver) > 100 and len(em_quarentena) > 100
    assert sorted(em_silver + em_quarentena) == sorted(marcas)
    for tabela in ("pedido", "item_pedido"):
        assert lago.motivos(tabela) == dict(lago.esperado.quarentena[tabela])
