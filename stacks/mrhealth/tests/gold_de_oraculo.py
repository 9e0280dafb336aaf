"""Gold and silver tables as the analysis reads them, made by the DuckDB oracle: a lake for its tests without silver and gold jobs."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from oraculo_duckdb import Oraculo

_TOTAL, _PRECO = pa.decimal128(18, 2), pa.decimal128(12, 2)
_TIPOS = {
    "id_unidade": pa.int32(), "id_produto": pa.int32(), "valor": _TOTAL, "taxa_entrega": _TOTAL, "valor_itens": _TOTAL,
    "valor_pedidos": _TOTAL, "diferenca": _TOTAL, "preco_minimo": _PRECO, "preco_maximo": _PRECO,
    "atraso_horas": pa.decimal128(10, 2), "enviou": pa.bool_(), "recebido_em": pa.timestamp("us"), "normalizacoes": pa.int64(),
}  # fmt: skip
_TEXTOS = ("filial", "estado", "id_pais", "pais", "tipo", "status", "produto", "tabela", "arquivo", "nome_produto", "detalhe")
TABELAS = ("vendas_diarias", "vendas_produto_diarias", "qualidade_unidades", "qualidade_arquivos")


def escrever(raiz):
    """Writes below ``raiz/dados`` what the analysis reads, from the CSV files that are there; returns the oracle."""
    raiz = Path(raiz)
    oraculo = Oraculo(raiz / "dados/silver/csv")
    for tabela in TABELAS:
        por_dia = {}
        for linha in oraculo.gold(tabela):
            por_dia.setdefault(linha.pop("data"), []).append(linha)
        for dia, linhas in por_dia.items():
            if tabela == "qualidade_arquivos":
                linhas = [dict(linha, normalizacoes=0, detalhe=None) for linha in linhas]
            gravar(raiz / "dados/gold" / tabela / "data={}".format(dia), linhas)
    produtos = oraculo.consultar("select id_produto, nome nome_produto, 'x' arquivo from produto")
    gravar(raiz / "dados/silver/parquet/produto", produtos)
    return oraculo


def gravar(pasta, linhas):
    pasta.mkdir(parents=True, exist_ok=True)
    colunas = {}
    for nome in linhas[0]:
        tipo = _TIPOS.get(nome, pa.string() if nome in _TEXTOS else pa.int64())
        valores = [linha[nome] for linha in linhas]
        if pa.types.is_decimal(tipo):
            valores = [v if v is None else Decimal(v).quantize(Decimal("0.01")) for v in valores]
        colunas[nome] = pa.array(valores, tipo)
    pq.write_table(pa.table(colunas), pasta / "parte.parquet")
