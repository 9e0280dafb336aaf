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
from collections import Counter, defaultdict, namedtuple
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
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
        #: (table, reason, row) of every refused row; files; (unit, day) of order files in folders; quality figures
        self.recusadas, self.arquivos, self.enviados, self.qualidade = [], {}, set(), {}


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
    """table -> its rows as ``Linha``; header lines and blank ones are none."""
    linhas = defaultdict(list)
    for arquivo in sorted(a for a in pasta.rglob("*") if a.suffix.lower() == ".csv"):
        tabela, unidade, dia, recepcao = _lugar(arquivo.relative_to(pasta).parts)
        if tabela is None:
            continue
        caminho = arquivo.relative_to(pasta).as_posix()
        esperado.arquivos[caminho] = {"tabela": tabela, "id_unidade": unidade, "dia": dia, "tamanho": arquivo.stat().st_size}
        if tabela == "pedido" and unidade is not None and arquivo.stat().st_size:
            esperado.enviados.add((unidade, dia))
        for numero, valores, motivo in _linhas(arquivo.read_bytes(), tabela):
            esperado.lidas[tabela] += 1
            linhas[tabela].append(Linha(caminho, numero, valores, motivo, unidade, dia, recepcao))
    return linhas


#: A row as it was read: values in the order of TABELAS, or the reason why it has none.
Linha = namedtuple("Linha", "arquivo numero valores motivo unidade dia recepcao")


def _linhas(conteudo, tabela):
    """(number, values, None) of each row of a file, or (number, None, reason)."""
    textos = [_texto(linha) for linha in re.split(b"\r\n|\n|\r", conteudo)]
    cheias = [(n, texto) for n, texto in enumerate(textos, 1) if texto.strip()]
    if not cheias:
        return
    cabecalho = cheias[0][1]
    separador = ";" if cabecalho.count(";") > cabecalho.count(",") else ","
    nomes = [_reduzido(nome) for nome in cabecalho.split(separador)]
    esperados = [_reduzido(nome) for nome in TABELAS[tabela]]
    eh_cabecalho = set(nomes) & set(esperados)
    for numero, texto in cheias:
        if eh_cabecalho and [_reduzido(nome) for nome in texto.split(separador)] == nomes:
            continue
        if sorted(nomes) != sorted(esperados):
            yield numero, None, "cabecalho_invalido"
            continue
        if any(ord(letra) < 32 and letra != "\t" or letra == "\ufffd" for letra in texto):
            yield numero, None, "codificacao_invalida"
            continue
        valores = next(csv.reader([texto], delimiter=separador))
        if texto.count('"') % 2 or len(valores) != len(esperados):
            yield numero, None, "linha_malformada"
            continue
        yield numero, [valores[nomes.index(nome)].strip() for nome in esperados], None


def _texto(linha):
    for codificacao in ("utf-8", "cp1252"):
        try:
            return linha.decode(codificacao).lstrip("\ufeff")
        except UnicodeDecodeError:
            pass
    return linha.decode("utf-8", "replace")


def _reduzido(palavra):
    sem_acento = unicodedata.normalize("NFD", palavra.lower())
    return "".join(letra for letra in sem_acento if letra.isascii() and letra.isalnum())


def _lugar(partes):
    """Table, unit, day and reception of a path; Nones for a file that is none of ours."""
    *pastas, nome = [parte.lower() for parte in partes]
    base = nome[: -len(".csv")]
    if base in ("pedido", "item_pedido"):
        if not pastas:
            return base, None, None, ""
        ditas = dict(pasta.split("=", 1) for pasta in pastas if "=" in pasta)
        if len(pastas) == 2 and set(ditas) == {"unidade", "data"}:
            return base, int(ditas["unidade"]), ditas["data"], ""
        return None, None, None, None
    base = base[len("tabela_") :] if base.startswith("tabela_") else base
    if base in TABELAS and pastas in ([], ["referencia"]):
        return base, None, None, "1" if pastas else ""
    return None, None, None, None


def _campos(tabela, linha, opcional=()):
    """The values of a row, after the rules that every table has; keys are the first columns."""
    if linha.motivo:
        raise Recusa(linha.motivo)
    valores = linha.valores
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
    if re.fullmatch(r"-?([0-9]{1,10}|[0-9]{1,3}(\.[0-9]{3}){1,3}),[0-9]{1,2}", texto):
        texto = texto.replace(".", "").replace(",", ".")
    if not re.fullmatch(r"-?[0-9]{1,10}(\.[0-9]{1,2})?", texto):
        raise Recusa("numero_invalido")
    return Decimal(texto).quantize(ZERO)


def _conhecido(texto, opcoes, motivo):
    for opcao in opcoes:
        if _reduzido(opcao) == _reduzido(texto):
            return opcao
    raise Recusa(motivo)


def _recusar(esperado, tabela, linha, motivo):
    esperado.quarentena[tabela][motivo] += 1
    esperado.recusadas.append((tabela, motivo, linha))


def _sem_repetidas(esperado, tabela, candidatas, versoes=lambda valores: 1):
    """Drops repeated keys from (key, values, row) and says why. A later reception replaces an earlier one."""
    por_chave = defaultdict(list)
    for chave, valores, linha in candidatas:
        por_chave[chave].append((valores, linha))
    aceitas = []
    for grupo in por_chave.values():
        grupo.sort(key=lambda par: (par[1].arquivo, par[1].numero))
        grupo.sort(key=lambda par: par[1].recepcao, reverse=True)
        distintas = []
        for valores, linha in grupo:
            if any(valores == outros for outros, _ in distintas):
                _recusar(esperado, tabela, linha, "linha_duplicada")
            else:
                distintas.append((valores, linha))
        ultima = grupo[0][1].recepcao
        ultimas = [(valores, linha) for valores, linha in distintas if linha.recepcao == ultima]
        for _, linha in distintas[len(ultimas) :]:
            _recusar(esperado, tabela, linha, "versao_substituida")
        if len(ultimas) > versoes(ultimas[0][0]):
            for _, linha in ultimas:
                _recusar(esperado, tabela, linha, "chave_conflitante")
        else:
            for valores, linha in ultimas:
                valores["arquivo"] = linha.arquivo
                aceitas.append(valores)
    esperado.silver[tabela] = aceitas
    return aceitas


def _referencia(esperado, tabela, linhas, montar, chave, recusar=lambda valores: None):
    candidatas = []
    for linha in linhas[tabela]:
        try:
            valores = montar(_campos(tabela, linha))
            motivo = recusar(valores)
            if motivo:
                raise Recusa(motivo)
            candidatas.append((valores[chave], valores, linha))
        except Recusa as recusa:
            _recusar(esperado, tabela, linha, str(recusa))
    return {valores[chave]: valores for valores in _sem_repetidas(esperado, tabela, candidatas)}


# --- orders and items --------------------------------------------------------------------------------------------


def _pedidos(esperado, linhas, unidades):
    """Accepted orders by (folder's day or None, unit, number), and who used a number: by number for flat files, by
    (unit, day, number) for folders."""
    candidatas, numerados = [], defaultdict(set)
    for lida in linhas["pedido"]:
        if not lida.motivo and re.fullmatch("[0-9]{1,18}", lida.valores[1]):
            numero = int(lida.valores[1])
            if lida.unidade is not None:
                numerados[lida.unidade, lida.dia, numero].add(lida.unidade)
            elif re.fullmatch("[0-9]{1,9}", lida.valores[0]):
                numerados[numero].add(int(lida.valores[0]))
        try:
            unidade, numero, tipo, dia, valor, endereco, taxa, status = _campos("pedido", lida, ["Endereco Entrega"])
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
            if lida.unidade not in (None, linha["id_unidade"]):
                raise Recusa("unidade_divergente")
            if lida.dia not in (None, linha["data"].isoformat()):
                raise Recusa("data_divergente")
            if linha["id_unidade"] not in unidades:
                raise Recusa("unidade_desconhecida")
            if lida.unidade is None and (linha["id_unidade"], linha["data"].isoformat()) in esperado.enviados:
                raise Recusa("versao_substituida")
            candidatas.append(((lida.dia, linha["id_unidade"], linha["id_pedido"]), linha, lida))
        except Recusa as recusa:
            _recusar(esperado, "pedido", lida, str(recusa))
    _sem_repetidas(esperado, "pedido", candidatas)
    return {chave: linha for chave, linha, _ in candidatas if "arquivo" in linha}, numerados


def _dia(texto):
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", texto):
            return date.fromisoformat(texto)
    except ValueError:
        pass
    raise Recusa("data_invalida")


def _itens(esperado, linhas, produtos, pedidos, numerados):
    candidatas = []
    for lida in linhas["item_pedido"]:
        try:
            numero, item, produto, quantidade, valor, observacao = _campos("item_pedido", lida, ["Observacao"])
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
            onde = linha["id_pedido"] if lida.unidade is None else (lida.unidade, lida.dia, linha["id_pedido"])
            possiveis = sorted(numerados.get(onde, ()))
            if not possiveis:
                raise Recusa("pedido_inexistente")
            aceitos = [pedidos.get((lida.dia, unidade, linha["id_pedido"])) for unidade in possiveis]
            if not any(aceitos):
                raise Recusa("pedido_em_quarentena")
            linha["unidades"] = possiveis
            linha["id_unidade"] = possiveis[0] if len(possiveis) == 1 else None
            for nome in ("status", "data"):
                ditos = {pedido and pedido[nome] for pedido in aceitos}
                linha[nome] = ditos.pop() if len(ditos) == 1 else None
            chave = (lida.dia, linha["id_unidade"], linha["id_pedido"], linha["id_item_pedido"])
            candidatas.append((chave, linha, lida))
        except Recusa as recusa:
            _recusar(esperado, "item_pedido", lida, str(recusa))
    itens = _sem_repetidas(esperado, "item_pedido", candidatas, lambda linha: len(linha["unidades"]))
    for linha in itens:
        linha["status"] = linha["status"] or "Indefinido"
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

    por_pedido, ambiguos = defaultdict(list), defaultdict(list)
    for item in itens:
        if item["id_unidade"] is None:
            for unidade in item["unidades"]:
                ambiguos[unidade, item["id_pedido"]].append(item)
        else:
            por_pedido[item["data"], item["id_unidade"], item["id_pedido"]].append(item)
    consolidadas = []
    for (pasta, unidade, numero), pedido in pedidos.items():
        seus = por_pedido[pedido["data"], unidade, numero]
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
                itens_ambiguos=0 if pasta else len(ambiguos[unidade, numero]),
            )
        )
    gold = esperado.gold
    gold["vendas_consolidadas"] = consolidadas
    gold["vendas_diarias"] = [
        dict(
            filiais[unidade],
            data=dia,
            tipo=tipo,
            status=status,
            pedidos=len(grupo),
            valor=sum((p["valor"] for p in grupo), ZERO),
            taxa_entrega=sum((p["taxa_entrega"] for p in grupo), ZERO),
        )
        for (dia, unidade, tipo, status), grupo in _agrupar(consolidadas, "data", "id_unidade", "tipo", "status")
    ]
    gold["vendas_por_ano"] = [
        dict({n: filiais[unidade][n] for n in ("id_unidade", "filial", "id_pais", "pais")}, ano=ano, **_medidas(grupo))
        for (ano, unidade), grupo in _agrupar(consolidadas, "ano", "id_unidade")
    ]
    gold["vendas_por_unidade"] = []
    for unidade, filial in filiais.items():
        seus = [pedido for pedido in consolidadas if pedido["id_unidade"] == unidade]
        dias = sorted(pedido["data"] for pedido in seus) or [None]
        gold["vendas_por_unidade"].append(dict(filial, primeiro_pedido=dias[0], ultimo_pedido=dias[-1], **_medidas(seus)))
    gold["vendas_por_pais"] = []
    for id_pais, pais in paises.items():
        seus = [pedido for pedido in consolidadas if pedido["id_pais"] == id_pais]
        gold["vendas_por_pais"].append(
            dict(
                id_pais=id_pais,
                pais=pais["nome"],
                unidades=sum(1 for filial in filiais.values() if filial["id_pais"] == id_pais),
                unidades_com_pedidos=len({pedido["id_unidade"] for pedido in seus}),
                **_medidas(seus),
            )
        )
    gold["ticket_medio"], gold["cancelamentos"] = [], []
    com_mes = [dict(pedido, mes=pedido["data"].isoformat()[:7]) for pedido in consolidadas]
    for (mes, unidade, tipo), grupo in _agrupar(com_mes, "mes", "id_unidade", "tipo"):
        comum = dict(filiais[unidade], mes=mes, tipo=tipo)
        vendidos = [p["valor"] for p in grupo if p["status"] == "Finalizado"]
        if vendidos:
            media = (sum(vendidos) / len(vendidos)).quantize(ZERO, ROUND_HALF_UP)
            gold["ticket_medio"].append(dict(comum, pedidos=len(vendidos), receita=sum(vendidos), ticket_medio=media))
        perdidos = [p["valor"] for p in grupo if p["status"] == "Cancelado"]
        gold["cancelamentos"].append(
            dict(
                comum,
                pedidos=len(grupo),
                cancelados=len(perdidos),
                valor_pedidos=sum(p["valor"] for p in grupo),
                valor_cancelado=sum(perdidos, ZERO),
                percentual=(Decimal(100 * len(perdidos)) / len(grupo)).quantize(ZERO, ROUND_HALF_UP),
            )
        )
    _gold_produtos(gold, filiais, produtos, itens)
    _gold_qualidade(esperado, filiais, consolidadas)


def _agrupar(linhas, *nomes):
    grupos = defaultdict(list)
    for linha in linhas:
        grupos[tuple(linha[nome] for nome in nomes)].append(linha)
    return grupos.items()


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


def _valor(itens):
    return sum((item["qtd"] * item["vlr_item"] for item in itens), ZERO)


def _gold_produtos(gold, filiais, produtos, itens):
    gold["vendas_por_produto"] = [_produto(produto, itens) for produto in produtos.values()]
    gold["vendas_produto_diarias"] = [
        {
            "data": dia,
            "id_unidade": unidade,
            "id_produto": produto,
            "produto": produtos[produto]["nome"],
            "status": status,
            "pedidos": len({item["id_pedido"] for item in grupo}),
            "quantidade": sum(item["qtd"] for item in grupo),
            "valor_itens": _valor(grupo),
            "preco_minimo": min(item["vlr_item"] for item in grupo),
            "preco_maximo": max(item["vlr_item"] for item in grupo),
        }
        for (dia, unidade, produto, status), grupo in _agrupar(itens, "data", "id_unidade", "id_produto", "status")
    ]
    gold["ranking_produtos_unidade"] = []
    vendidos = [dict(i, ano=i["data"].year) for i in itens if i["status"] == "Finalizado" and i["id_unidade"] is not None]
    for (ano, unidade), seus in _agrupar(vendidos, "ano", "id_unidade"):
        por_produto = [(sum(i["qtd"] for i in g), _valor(g), produto, g) for (produto,), g in _agrupar(seus, "id_produto")]
        por_produto.sort(key=lambda p: (-p[0], -p[1], p[2]))
        for posicao, (quantidade, valor, produto, grupo) in enumerate(por_produto[:10], 1):
            gold["ranking_produtos_unidade"].append(
                {
                    "ano": ano,
                    "id_unidade": unidade,
                    "filial": filiais[unidade]["filial"],
                    "posicao": posicao,
                    "id_produto": produto,
                    "produto": produtos[produto]["nome"],
                    "pedidos": len({(item["data"], item["id_pedido"]) for item in grupo}),
                    "quantidade": quantidade,
                    "valor_itens": valor,
                    "participacao": (100 * valor / _valor(seus)).quantize(ZERO, ROUND_HALF_UP),
                }
            )


def _produto(produto, itens):
    seus = [item for item in itens if item["id_produto"] == produto["id_produto"]]
    precos = [item["vlr_item"] for item in seus] or [None]
    linha = {
        "id_produto": produto["id_produto"],
        "produto": produto["nome"],
        "pedidos": len({(i["data"], i["id_unidade"], i["id_pedido"]) for i in seus if i["status"] == "Finalizado"}),
        "quantidade_ambigua": sum(item["qtd"] for item in seus if item["id_unidade"] is None),
        "quantidade_total": sum(item["qtd"] for item in seus),
        "valor_total": _valor(seus),
        "preco_minimo": min(precos),
        "preco_maximo": max(precos),
    }
    for status, quantidade, valor in (
        ("Finalizado", "quantidade", "valor_itens"),
        ("Pendente", "quantidade_pendente", "valor_pendente"),
        ("Cancelado", "quantidade_cancelada", "valor_cancelado"),
        ("Indefinido", "quantidade_indefinida", "valor_indefinido"),
    ):
        linha[quantidade] = sum(item["qtd"] for item in seus if item["status"] == status)
        linha[valor] = _valor(item for item in seus if item["status"] == status)
    return linha


def _gold_qualidade(esperado, filiais, consolidadas):
    """The columns that depend on nothing but the files' content and names."""
    aceitas = Counter(linha["arquivo"] for tabela in TABELAS for linha in esperado.silver[tabela])
    recusadas = Counter(linha.arquivo for _, _, linha in esperado.recusadas)
    esperado.qualidade["arquivos"] = {
        arquivo: (dados["tabela"], dados["id_unidade"], dados["dia"], aceitas[arquivo], recusadas[arquivo])
        for arquivo, dados in esperado.arquivos.items()
    }
    por_unidade = defaultdict(lambda: [False, 0, 0, 0, 0, ZERO, ZERO, ZERO, ZERO, 0])
    for unidade, dia in esperado.enviados:
        if unidade in filiais:
            por_unidade[unidade, dia][0] = True
    for pedido in consolidadas:
        linha = por_unidade[pedido["id_unidade"], pedido["data"].isoformat()]
        diferenca = pedido["valor"] - pedido["valor_itens"] - pedido["taxa_entrega"]
        somas = [1, pedido["itens"], 0, 0, pedido["valor"], pedido["valor_itens"], pedido["taxa_entrega"]]
        somas += [ZERO, 0] if pedido["itens_ambiguos"] else [diferenca, int(diferenca != 0)]
        por_unidade[pedido["id_unidade"], pedido["data"].isoformat()] = [True] + [a + b for a, b in zip(linha[1:], somas)]
    for tabela, _, lida in esperado.recusadas:
        if lida.unidade in filiais:
            por_unidade[lida.unidade, lida.dia][3 if tabela == "pedido" else 4] += 1
    esperado.qualidade["unidades"] = {chave: tuple(linha) for chave, linha in por_unidade.items()}
    esperado.qualidade["motivos"] = Counter((l.unidade, l.dia, t, motivo) for t, motivo, l in esperado.recusadas if l.dia)


# --- comparing ---------------------------------------------------------------------------------------------------


def diferencas(esperadas, lidas):
    """What distinguishes two sets of rows (dictionaries), as lines to read; empty when they are equal."""

    def contar(linhas):
        return Counter(tuple(sorted((nome, str(valor)) for nome, valor in linha.items())) for linha in linhas)

    esperado, lido = contar(esperadas), contar(lidas)
    return ["falta: {}".format(dict(linha)) for linha in (esperado - lido).elements()] + [
        "sobra: {}".format(dict(linha)) for linha in (lido - esperado).elements()
    ]
