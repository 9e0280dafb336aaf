"""What the lake must hold, worked out again from the CSV files without Spark.

An independent reading of the rules in ``pipeline/README.md`` with nothing but ``csv`` and ``decimal``: one row at a
time, dictionaries instead of joins and windows. It shares no code with the jobs, so that a mistake in one of the two
shows as a difference. For the tests of the jobs and for the end-to-end tests, which compare a lake after a run.

    esperado = calcular("stacks/mrhealth/dados")
    assert diferencas(esperado.gold["vendas_por_pais"], linhas_lidas) == []
"""

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

TABELAS = {
    "pais": ["Id_Pais", "Nome_Pais"],
    "estado": ["id_estado", "id_pais", "nome_estado"],
    "unidade": ["Id_Unidade", "Nome_Unidade", "Id_Estado"],
    "produto": ["Id_Produto", "Nome_Produto"],
    "pedido": [
        "Id_Unidade", "Id_Pedido", "Tipo_Pedido", "Data_Pedido", "Vlr_Pedido", "Endereco Entrega", "Taxa_Entrega", "Status",
    ],
    "item_pedido": ["Id_Pedido", "Id_Item_Pedido", "Id_Produto", "Qtd", "Vlr_Item", "Observacao"],
}  # fmt: skip
ZERO = Decimal("0.00")


class Recusa(Exception):
    """A row goes to quarantine; the argument is the reason."""


class Esperado:
    """``lidas``: rows read by table; ``silver``: rows by table; ``quarentena``: Counter of reasons by table;
    ``gold``: rows by table, as dictionaries."""

    def __init__(self):
        self.lidas = Counter()
        self.silver = {}
        self.quarentena = {tabela: Counter() for tabela in TABELAS}
        self.gold = {}


def calcular(pasta):
    """The expected lake for a folder that is laid out as ``dados/silver/csv``."""
    esperado = Esperado()
    linhas = _ler(Path(pasta), esperado)

    paises = _referencia(esperado, "pais", linhas, lambda v: {"id_pais": v[0], "nome": v[1]}, "id_pais")
    estados = _referencia(
        esperado, "estado", linhas, lambda v: {"id_estado": _inteiro(v[0]), "id_pais": v[1], "nome": v[2]}, "id_estado",
        lambda linha: None if linha["id_pais"] in paises else "pais_desconhecido",
    )  # fmt: skip
    unidades = _referencia(
        esperado, "unidade", linhas, lambda v: {"id_unidade": _inteiro(v[0]), "nome": v[1], "id_estado": _inteiro(v[2])},
        "id_unidade", lambda linha: None if linha["id_estado"] in estados else "estado_desconhecido",
    )  # fmt: skip
    produtos = _referencia(
        esperado, "produto", linhas, lambda v: {"id_produto": _inteiro(v[0]), "nome": v[1]}, "id_produto"
    )
    pedidos, numerados = _pedidos(esperado, linhas, unidades)
    itens = _itens(esperado, linhas, produtos, pedidos, numerados)
    _gold(esperado, paises, estados, unidades, produtos, pedidos, itens)
    return esperado


# --- files and fields --------------------------------------------------------------------------------------------


def _ler(pasta, esperado):
    """table -> [(values or None if the line is malformed, unit of the folder, reception)], header lines left out."""
    linhas = defaultdict(list)
    for arquivo in sorted(pasta.rglob("*.csv")):
        tabela, unidade, recepcao = _lugar(arquivo.relative_to(pasta).parts)
        if tabela is None:
            continue
        texto = arquivo.read_bytes().decode("utf-8-sig", "replace")
        for linha in re.split(r"\r\n|\n", texto)[1:]:
            if linha.strip():
                esperado.lidas[tabela] += 1
                valores = next(csv.reader([linha]))
                inteira = linha.count('"') % 2 == 0 and len(valores) == len(TABELAS[tabela])
                linhas[tabela].append(([v.strip() for v in valores] if inteira else None, unidade, recepcao))
    return linhas


def _lugar(partes):
    *pastas, nome = partes
    base = nome.lower()[: -len(".csv")]
    if base in ("pedido", "item_pedido"):
        ditas = dict(pasta.split("=", 1) for pasta in pastas)
        unidade = ditas.get("unidade")
        return base, int(unidade) if unidade else None, ditas.get("data", "")
    base = base[len("tabela_") :] if base.startswith("tabela_") else base
    if base in TABELAS and pastas in ([], ["referencia"]):
        return base, None, "1" if pastas else ""
    return None, None, None


def _campos(tabela, valores, opcional=()):
    """The values of a row, after the rules that every table has; keys are the first columns."""
    if valores is None:
        raise Recusa("linha_malformada")
    chaves = {"pedido": 2, "item_pedido": 2}.get(tabela, 1)
    if not all(valores[:chaves]):
        raise Recusa("chave_ausente")
    if not all(valor for nome, valor in zip(TABELAS[tabela], valores) if nome not in opcional):
        raise Recusa("campo_ausente")
    return valores


def _inteiro(texto, digitos=9):
    if not re.fullmatch("[0-9]{1,%d}" % digitos, texto):
        raise Recusa("numero_invalido")
    return int(texto)


def _dinheiro(texto):
    if not re.fullmatch(r"-?[0-9]{1,10}(\.[0-9]{1,2})?", texto):
        raise Recusa("numero_invalido")
    return Decimal(texto).quantize(ZERO)


def _conhecido(texto, opcoes, motivo):
    def reduzir(palavra):
        sem_acento = unicodedata.normalize("NFD", palavra.lower())
        return "".join(letra for letra in sem_acento if letra.isalnum())

    for opcao in opcoes:
        if reduzir(opcao) == reduzir(texto):
            return opcao
    raise Recusa(motivo)


def _sem_repetidas(esperado, tabela, candidatas, versoes=lambda linha: 1):
    """Drops repeated keys from (key, row, reception) and counts why. A later reception replaces an earlier one."""
    por_chave = defaultdict(list)
    for chave, linha, recepcao in candidatas:
        por_chave[chave].append((recepcao, linha))
    aceitas = []
    for grupo in por_chave.values():
        grupo.sort(key=lambda par: par[0], reverse=True)
        distintas = []
        for recepcao, linha in grupo:
            if any(linha == outra for _, outra in distintas):
                esperado.quarentena[tabela]["linha_duplicada"] += 1
            else:
                distintas.append((recepcao, linha))
        ultimas = [linha for recepcao, linha in distintas if recepcao == grupo[0][0]]
        esperado.quarentena[tabela]["versao_substituida"] += len(distintas) - len(ultimas)
        if len(ultimas) > versoes(ultimas[0]):
            esperado.quarentena[tabela]["chave_conflitante"] += len(ultimas)
        else:
            aceitas += ultimas
    esperado.quarentena[tabela] = +esperado.quarentena[tabela]
    esperado.silver[tabela] = aceitas
    return aceitas


def _referencia(esperado, tabela, linhas, montar, chave, recusar=lambda linha: None):
    candidatas = []
    for valores, _, recepcao in linhas[tabela]:
        try:
            linha = montar(_campos(tabela, valores))
            motivo = recusar(linha)
            if motivo:
                raise Recusa(motivo)
            candidatas.append((linha[chave], linha, recepcao))
        except Recusa as recusa:
            esperado.quarentena[tabela][str(recusa)] += 1
    return {linha[chave]: linha for linha in _sem_repetidas(esperado, tabela, candidatas)}


# --- orders and items --------------------------------------------------------------------------------------------


def _pedidos(esperado, linhas, unidades):
    """Accepted orders by (unit, number), and for each number the units that used it: [in flat files, in folders]."""
    candidatas, numerados = [], defaultdict(lambda: (set(), set()))
    for valores, unidade_pasta, recepcao in linhas["pedido"]:
        if valores and re.fullmatch("[0-9]{1,9}", valores[0]) and re.fullmatch("[0-9]{1,18}", valores[1]):
            numerados[int(valores[1])][0 if unidade_pasta is None else 1].add(int(valores[0]))
        try:
            unidade, numero, tipo, dia, valor, endereco, taxa, status = _campos("pedido", valores, ["Endereco Entrega"])
            linha = {
                "id_unidade": _inteiro(unidade),
                "id_pedido": _inteiro(numero, 18),
                "valor": _dinheiro(valor),
                "taxa_entrega": _dinheiro(taxa),
                "data": _dia(dia),
                "endereco": None if endereco in ("", "--") else endereco,
            }
            if linha["valor"] < 0 or linha["taxa_entrega"] < 0:
                raise Recusa("valor_negativo")
            linha["tipo"] = _conhecido(tipo, ["Loja Online", "Loja Física"], "tipo_desconhecido")
            linha["status"] = _conhecido(status, ["Finalizado", "Pendente", "Cancelado"], "status_desconhecido")
            if unidade_pasta not in (None, linha["id_unidade"]):
                raise Recusa("unidade_divergente")
            if linha["id_unidade"] not in unidades:
                raise Recusa("unidade_desconhecida")
            candidatas.append(((linha["id_unidade"], linha["id_pedido"]), linha, recepcao))
        except Recusa as recusa:
            esperado.quarentena["pedido"][str(recusa)] += 1
    aceitas = _sem_repetidas(esperado, "pedido", candidatas)
    return {(linha["id_unidade"], linha["id_pedido"]): linha for linha in aceitas}, numerados


def _dia(texto):
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", texto):
            return date.fromisoformat(texto)
    except ValueError:
        pass
    raise Recusa("data_invalida")


def _itens(esperado, linhas, produtos, pedidos, numerados):
    candidatas = []
    for valores, unidade_pasta, recepcao in linhas["item_pedido"]:
        try:
            numero, item, produto, quantidade, valor, observacao = _campos("item_pedido", valores, ["Observacao"])
            linha = {"id_pedido": _inteiro(numero, 18), "id_item_pedido": _inteiro(item), "id_produto": _inteiro(produto)}
            linha["qtd"] = -_inteiro(quantidade[1:]) if quantidade.startswith("-") else _inteiro(quantidade)
            linha["vlr_item"] = _dinheiro(valor)
            linha["observacao"] = observacao or None
            if linha["qtd"] < 0 or linha["vlr_item"] < 0:
                raise Recusa("valor_negativo")
            if linha["qtd"] == 0:
                raise Recusa("quantidade_zero")
            if linha["id_produto"] not in produtos:
                raise Recusa("produto_desconhecido")
            planas, das_pastas = numerados.get(linha["id_pedido"], (set(), set()))
            if unidade_pasta is not None:
                possiveis = (planas | das_pastas) & {unidade_pasta}
            else:
                possiveis = planas or das_pastas
            if not possiveis:
                raise Recusa("pedido_inexistente")
            if not any((unidade, linha["id_pedido"]) in pedidos for unidade in possiveis):
                raise Recusa("pedido_em_quarentena")
            linha["unidades"] = sorted(possiveis)
            linha["id_unidade"] = linha["unidades"][0] if len(possiveis) == 1 else None
            candidatas.append(((linha["id_unidade"], linha["id_pedido"], linha["id_item_pedido"]), linha, recepcao))
        except Recusa as recusa:
            esperado.quarentena["item_pedido"][str(recusa)] += 1
    itens = _sem_repetidas(esperado, "item_pedido", candidatas, lambda linha: len(linha["unidades"]))
    for linha in itens:
        de_cada = {
            pedidos[unidade, linha["id_pedido"]]["status"] if (unidade, linha["id_pedido"]) in pedidos else None
            for unidade in linha["unidades"]
        }
        linha["status"] = de_cada.pop() if len(de_cada) == 1 else None
    return itens


# --- gold --------------------------------------------------------------------------------------------------------


def _gold(esperado, paises, estados, unidades, produtos, pedidos, itens):
    filiais = {}
    for unidade in unidades.values():
        estado = estados[unidade["id_estado"]]
        filiais[unidade["id_unidade"]] = {
            "id_unidade": unidade["id_unidade"],
            "filial": unidade["nome"],
            "estado": estado["nome"],
            "id_pais": estado["id_pais"],
            "pais": paises[estado["id_pais"]]["nome"],
        }

    consolidadas = []
    for (unidade, numero), pedido in pedidos.items():
        seus = [item for item in itens if (item["id_unidade"], item["id_pedido"]) == (unidade, numero)]
        talvez = [i for i in itens if i["id_unidade"] is None and i["id_pedido"] == numero and unidade in i["unidades"]]
        consolidadas.append(
            dict(
                filiais[unidade],
                id_pedido=numero,
                data=pedido["data"],
                ano=pedido["data"].year,
                mes=pedido["data"].month,
                tipo=pedido["tipo"],
                status=pedido["status"],
                valor=pedido["valor"],
                taxa_entrega=pedido["taxa_entrega"],
                itens=len(seus),
                quantidade=sum(item["qtd"] for item in seus),
                valor_itens=sum((item["qtd"] * item["vlr_item"] for item in seus), ZERO),
                itens_ambiguos=len(talvez),
            )
        )
    esperado.gold["vendas_consolidadas"] = consolidadas

    por_ano = defaultdict(list)
    for pedido in consolidadas:
        por_ano[pedido["ano"], pedido["id_unidade"]].append(pedido)
    esperado.gold["vendas_por_ano"] = [
        dict(
            {nome: filiais[unidade][nome] for nome in ("id_unidade", "filial", "id_pais", "pais")},
            ano=ano,
            **_medidas(grupo),
        )
        for (ano, unidade), grupo in por_ano.items()
    ]
    esperado.gold["vendas_por_filial"] = []
    for unidade, filial in filiais.items():
        seus = [pedido for pedido in consolidadas if pedido["id_unidade"] == unidade]
        dias = sorted(pedido["data"] for pedido in seus) or [None]
        esperado.gold["vendas_por_filial"].append(
            dict(filial, primeiro_pedido=dias[0], ultimo_pedido=dias[-1], **_medidas(seus))
        )
    esperado.gold["vendas_por_pais"] = []
    for id_pais, pais in paises.items():
        seus = [pedido for pedido in consolidadas if pedido["id_pais"] == id_pais]
        esperado.gold["vendas_por_pais"].append(
            dict(
                id_pais=id_pais,
                pais=pais["nome"],
                unidades=sum(1 for filial in filiais.values() if filial["id_pais"] == id_pais),
                unidades_com_pedidos=len({pedido["id_unidade"] for pedido in seus}),
                **_medidas(seus),
            )
        )
    esperado.gold["vendas_por_produto"] = [_produto(produto, itens) for produto in produtos.values()]


def _medidas(pedidos):
    def com(status, coluna):
        return [pedido[coluna] for pedido in pedidos if pedido["status"] == status]

    return {
        "pedidos": len(pedidos),
        "receita": sum(com("Finalizado", "valor"), ZERO),
        "pedidos_finalizados": len(com("Finalizado", "valor")),
        "pedidos_pendentes": len(com("Pendente", "valor")),
        "pedidos_cancelados": len(com("Cancelado", "valor")),
        "valor_pendente": sum(com("Pendente", "valor"), ZERO),
        "valor_cancelado": sum(com("Cancelado", "valor"), ZERO),
        "taxa_entrega": sum(com("Finalizado", "taxa_entrega"), ZERO),
    }


def _produto(produto, itens):
    seus = [item for item in itens if item["id_produto"] == produto["id_produto"]]
    linha = {
        "id_produto": produto["id_produto"],
        "produto": produto["nome"],
        "pedidos": len({(i["id_unidade"], i["id_pedido"]) for i in seus if i["status"] == "Finalizado"}),
        "itens_ambiguos": sum(1 for item in seus if item["id_unidade"] is None),
        "quantidade_total": sum(item["qtd"] for item in seus),
        "valor_total": sum((item["qtd"] * item["vlr_item"] for item in seus), ZERO),
    }
    for status, quantidade, valor in (
        ("Finalizado", "quantidade", "valor_itens"),
        ("Pendente", "quantidade_pendente", "valor_pendente"),
        ("Cancelado", "quantidade_cancelada", "valor_cancelado"),
        (None, "quantidade_indefinida", "valor_indefinido"),
    ):
        linha[quantidade] = sum(item["qtd"] for item in seus if item["status"] == status)
        linha[valor] = sum((item["qtd"] * item["vlr_item"] for item in seus if item["status"] == status), ZERO)
    return linha


# --- comparing ---------------------------------------------------------------------------------------------------


def diferencas(esperadas, lidas):
    """What distinguishes two sets of rows (dictionaries), as lines to read; empty when they are equal."""

    def contar(linhas):
        return Counter(tuple(sorted((nome, str(valor)) for nome, valor in linha.items())) for linha in linhas)

    esperado, lido = contar(esperadas), contar(lidas)
    return ["falta: {}".format(dict(linha)) for linha in (esperado - lido).elements()] + [
        "sobra: {}".format(dict(linha)) for linha in (lido - esperado).elements()
    ]
