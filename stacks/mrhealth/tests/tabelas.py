"""Reads the parquet tables of a lake with pyarrow, from a folder or from S3, and lays rows out as text."""

import io
from pathlib import Path

import pyarrow.parquet as pq

GOLD = [
    "vendas_por_ano",
    "vendas_por_pais",
    "vendas_por_unidade",
    "vendas_por_produto",
    "ticket_medio",
    "cancelamentos",
    "ranking_produtos_unidade",
    "vendas_diarias",
    "vendas_produto_diarias",
    "vendas_consolidadas",
    "qualidade_arquivos",
    "qualidade_unidades",
    "motivos_quarentena",
]
#: The name that Spark gives the partition of rows without a value.
_SEM_VALOR = "__HIVE_DEFAULT_PARTITION__"


def ler_pasta(pasta):
    """The rows of a parquet table in a folder; [] if it is not there. Partition columns are in the folder names."""
    partes = sorted(arquivo for arquivo in Path(pasta).rglob("*.parquet") if not arquivo.name.startswith("."))
    return [linha for parte in partes for linha in _linhas(parte.read_bytes(), parte.relative_to(pasta).parts[:-1])]


def ler_s3(cliente, bucket, prefixo):
    """The same from a bucket, with a boto3 client."""
    linhas = []
    for pagina in cliente.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefixo.rstrip("/") + "/"):
        for objeto in pagina.get("Contents", []):
            chave = objeto["Key"]
            if chave.endswith(".parquet"):
                conteudo = cliente.get_object(Bucket=bucket, Key=chave)["Body"].read()
                linhas += _linhas(conteudo, chave[len(prefixo.rstrip("/")) + 1 :].split("/")[:-1])
    return linhas


def _linhas(conteudo, particoes):
    extras = dict(particao.split("=", 1) for particao in particoes)
    extras = {nome: None if valor == _SEM_VALOR else valor for nome, valor in extras.items()}
    return [dict(linha, **extras) for linha in pq.ParquetFile(io.BytesIO(conteudo)).read().to_pylist()]


def alinhar(linhas):
    """Rows as aligned text columns: words to the left, numbers to the right."""
    if not linhas:
        return "(vazia)"
    nomes = list(linhas[0])
    textos = [["-" if linha[nome] is None else str(linha[nome]) for nome in nomes] for linha in linhas]
    larguras = [max(map(len, coluna)) for coluna in zip(nomes, *textos)]
    palavras = [any(isinstance(linha[nome], str) for linha in linhas) for nome in nomes]
    return "\n".join(
        "  ".join(c.ljust(n) if palavra else c.rjust(n) for c, n, palavra in zip(celulas, larguras, palavras)).rstrip()
        for celulas in [nomes] + textos
    )
