"""Prints a lake's gold tables: ``python mostrar_gold.py [--linhas N] BUCKET|FOLDER [TABLE...]``.

At most N rows of each table; on a terminal lines are cut at its width.

A bucket is read with boto3 as the environment says (AWS_ENDPOINT_URL for the embedded AWS, AWS_REGION, AWS_PROFILE or
keys); a folder is the root of a lake on disk. Exit code 1 when a table is missing.
"""

import shutil
import sys
from pathlib import Path

from tabelas import GOLD, alinhar, ler_pasta, ler_s3


def main(argumentos):
    limite = None
    if argumentos[:1] == ["--linhas"] and argumentos[1:] and argumentos[1].isdigit():
        limite, argumentos = int(argumentos[1]), argumentos[2:]
    if not argumentos:
        print(__doc__, file=sys.stderr)
        return 64
    lago, *nomes = argumentos
    if Path(lago).is_dir():
        ler = lambda tabela: ler_pasta(Path(lago, "dados/gold", tabela))
    else:
        import boto3

        cliente, bucket = boto3.client("s3"), lago[len("s3://") :] if lago.startswith("s3://") else lago
        ler = lambda tabela: ler_s3(cliente, bucket, "dados/gold/" + tabela)
    faltam = 0
    for nome in nomes or GOLD:
        linhas = ler(nome)
        faltam += not linhas
        texto = alinhar(linhas[:limite]).split("\n")
        if limite and len(linhas) > limite:
            texto.append("... mais {} linhas".format(len(linhas) - limite))
        if sys.stdout.isatty():
            largura = shutil.get_terminal_size().columns
            texto = [linha if len(linha) <= largura else linha[: largura - 1] + "…" for linha in texto]
        print("{} ({} linhas)\n{}\n".format(nome, len(linhas), "\n".join(texto)))
    return 1 if faltam else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
