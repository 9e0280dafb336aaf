"""What goes wrong with the units' files, and where each row must end because of it.

``DA_LINHA`` change one order or item; ``DO_ARQUIVO`` a unit's files of one day. Each name says what it injects; the
reason that it must lead to (None: the row is put right and accepted) is in the truth that is written beside the data.
"""

PEDIDO = ["Id_Unidade", "Id_Pedido", "Tipo_Pedido", "Data_Pedido", "Vlr_Pedido", "Endereco Entrega", "Taxa_Entrega", "Status"]
ITEM = ["Id_Pedido", "Id_Item_Pedido", "Id_Produto", "Qtd", "Vlr_Item", "Observacao"]

#: Harmless defects: the rows end in silver.
_ACEITOS = {"virgula_decimal": "pedido", "grafia": "pedido", "item_virgula_decimal": "item_pedido"}
#: Defects of an order: its own reason. Its items then belong to a refused order, or to none that can be read.
_DO_PEDIDO = {
    "numero_invalido": "numero_invalido",
    "terceira_decimal": "numero_invalido",
    "data_invalida": "data_invalida",
    "valor_negativo": "valor_negativo",
    "taxa_negativa": "valor_negativo",
    "tipo_desconhecido": "tipo_desconhecido",
    "status_desconhecido": "status_desconhecido",
    "campo_ausente": "campo_ausente",
    "chave_ausente": "chave_ausente",
    "linha_malformada": "linha_malformada",
    "codificacao_invalida": "codificacao_invalida",
    "unidade_divergente": "unidade_divergente",
    "data_divergente": "data_divergente",
    "chave_conflitante": "chave_conflitante",
    "linha_duplicada": "linha_duplicada",
}
_DO_ITEM = {
    "produto_desconhecido": "produto_desconhecido",
    "quantidade_zero": "quantidade_zero",
    "quantidade_negativa": "valor_negativo",
    "item_negativo": "valor_negativo",
    "quantidade_invalida": "numero_invalido",
    "item_duplicado": "linha_duplicada",
    "item_conflitante": "chave_conflitante",
    "item_malformado": "linha_malformada",
    "pedido_inexistente": "pedido_inexistente",
}
DA_LINHA = sorted(list(_ACEITOS) + list(_DO_PEDIDO) + list(_DO_ITEM))
DO_ARQUIVO = [
    "nao_enviou", "arquivo_vazio", "so_cabecalho", "latin1", "cabecalho_outra_ordem", "cabecalho_outra_caixa",
    "cabecalho_invalido", "item_cabecalho_invalido", "ponto_e_virgula", "arquivo_repetido", "correcao", "atraso",
    "unidade_desconhecida",
]  # fmt: skip
TODOS = DO_ARQUIVO + DA_LINHA


class Linha:
    """A row to write: its values, what must become of it (None: silver), and its raw text if it is none of a CSV."""

    __slots__ = ("valores", "motivo", "bruta")

    def __init__(self, valores, motivo=None, bruta=None):
        self.valores, self.motivo, self.bruta = valores, motivo, bruta


def estragar(nome, pedidos, itens, sorte):
    """Injects a row's defect into a day's orders and items (lists of ``Linha``, all of them good before)."""
    bons = [i for i, linha in enumerate(pedidos) if linha.motivo is None and linha.bruta is None]
    if not bons or not itens:
        return False
    onde = bons[int(sorte.integers(len(bons)))]
    pedido = pedidos[onde]
    seus = [linha for linha in itens if linha.valores[0] == pedido.valores[1]]
    livres = [linha for linha in seus if linha.motivo is None and linha.bruta is None]
    if nome in _ACEITOS or nome in _DO_ITEM:
        alvo = pedido if _ACEITOS.get(nome) == "pedido" else livres[0] if livres else None
        if alvo is None:
            return False
        _ITENS_E_ACEITOS[nome](alvo, itens)
        return True
    if any(linha.motivo for linha in seus):
        return False
    v, motivo = pedido.valores, _DO_PEDIDO[nome]
    if nome == "linha_duplicada":
        pedidos.insert(onde + 1, Linha(list(v), motivo))
        return True
    if nome == "chave_conflitante":
        pedidos.insert(onde + 1, Linha(v[:4] + [_mais(v[4])] + v[5:], motivo))
    elif nome == "linha_malformada":
        pedido.bruta = ",".join(v[:4])
    elif nome == "codificacao_invalida":
        v[5] = "Rua S\ufffdo Jos\ufffd, 10"
    else:
        coluna, novo = {
            "numero_invalido": (4, v[4].replace("0", "O", 1) if "0" in v[4] else "1e3"),
            "terceira_decimal": (4, v[4] + "5"),
            "data_invalida": (3, v[3][:5] + "02-30"),
            "valor_negativo": (4, "-" + v[4]),
            "taxa_negativa": (6, "-5.00"),
            "tipo_desconhecido": (2, "Telefone"),
            "status_desconhecido": (7, "Devolvido"),
            "campo_ausente": (6, ""),
            "chave_ausente": (1, ""),
            "unidade_divergente": (0, str(int(v[0]) + 1)),
            "data_divergente": (3, _vespera(v[3])),
        }[nome]
        v[coluna] = novo
    pedido.motivo = motivo
    # An order without a number, or one that cannot be read, is no order for its items.
    sem_pedido = nome in ("chave_ausente", "linha_malformada")
    for linha in seus:
        linha.motivo = "pedido_inexistente" if sem_pedido else "pedido_em_quarentena"
    return True


def _virgula(coluna):
    def mudar(linha, itens):
        linha.valores[coluna] = linha.valores[coluna].replace(".", ",")

    return mudar


def _grafia(linha, itens):
    linha.valores[7], linha.valores[2] = linha.valores[7].upper(), linha.valores[2].lower().replace("í", "i")


def _item(coluna, novo, motivo):
    def mudar(linha, itens):
        linha.valores[coluna] = novo(linha.valores[coluna])
        linha.motivo = motivo

    return mudar


def _item_duplicado(linha, itens):
    itens.append(Linha(list(linha.valores), "linha_duplicada"))


def _item_conflitante(linha, itens):
    outra = list(linha.valores)
    outra[3] = str(int(outra[3]) + 1)
    itens.append(Linha(outra, "chave_conflitante"))
    linha.motivo = "chave_conflitante"


def _item_malformado(linha, itens):
    linha.bruta, linha.motivo = ",".join(linha.valores[:5]) + ',"aspas que não fecham', "linha_malformada"


def _pedido_inexistente(linha, itens):
    itens.append(Linha(["999999999"] + linha.valores[1:], "pedido_inexistente"))


_ITENS_E_ACEITOS = {
    "virgula_decimal": _virgula(4),
    "item_virgula_decimal": _virgula(4),
    "grafia": _grafia,
    "produto_desconhecido": _item(2, lambda _: "9999", "produto_desconhecido"),
    "quantidade_zero": _item(3, lambda _: "0", "quantidade_zero"),
    "quantidade_negativa": _item(3, lambda q: "-" + q, "valor_negativo"),
    "item_negativo": _item(4, lambda v: "-" + v, "valor_negativo"),
    "quantidade_invalida": _item(3, lambda _: "duas", "numero_invalido"),
    "item_duplicado": _item_duplicado,
    "item_conflitante": _item_conflitante,
    "item_malformado": _item_malformado,
    "pedido_inexistente": _pedido_inexistente,
}


def _mais(valor):
    return "{:.2f}".format(float(valor) + 1)


def _vespera(dia):
    import datetime

    return (datetime.date.fromisoformat(dia) - datetime.timedelta(1)).isoformat()
