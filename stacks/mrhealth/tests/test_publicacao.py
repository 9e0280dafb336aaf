"""Publishing, interrupted at every point: readers see each partition before or after, and the next run finishes it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

#: Table -> partition (None for a table without any) -> value, before and after.
ANTES = {"silver/parquet/a": {"d=1": "velho", "d=2": "velho", "d=3": "velho"}, "gold/b": {None: "velho"}}
DEPOIS = {"silver/parquet/a": {"d=1": "novo", "d=3": "velho", "d=4": "novo"}, "gold/b": {None: "novo"}}


def escrever(arquivo, valor):
    arquivo.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"valor": [valor]}), arquivo)


def visivel(raiz):
    """What a reader finds; fails on a file that cannot be read or a partition with two."""
    tabelas = {}
    for tabela in ANTES:
        for arquivo in sorted((raiz / "dados" / tabela).rglob("*.parquet")):
            grupo = arquivo.parent.name if "=" in arquivo.parent.name else None
            assert grupo not in tabelas.setdefault(tabela, {}), "two files in one partition"
            [linha] = pq.ParquetFile(arquivo).read().to_pylist()
            tabelas[tabela][grupo] = linha["valor"]
    return tabelas


class Morto(BaseException):
    """The process is gone."""


def preparar(lago, raiz):
    """A lake with its old content, and a run that has prepared the new one: partitions 1 and 4, and 2 without rows."""
    from publicacao import Publicacao

    for tabela, grupos in ANTES.items():
        for grupo, valor in grupos.items():
            escrever(raiz / "dados" / tabela / (grupo or "") / "parte.parquet", valor)
    publicacao = Publicacao(lago, "silver")
    for tabela, grupo in (("silver/parquet/a", "d=1"), ("silver/parquet/a", "d=4"), ("gold/b", "")):
        base = publicacao.preparada(f"{lago.raiz}/dados/{tabela}")
        escrever(Path(base[len("file://") :], grupo, "part-00000-x.parquet"), "novo")
    publicacao.esvaziar(f"{lago.raiz}/dados/silver/parquet/a", "d", [1, 2, 4])
    publicacao.esvaziar(f"{lago.raiz}/dados/gold/b", None, None)
    publicacao.json(f"{lago.raiz}/dados/marca.json", {"n": 1}, antes=True)
    publicacao.json(f"{lago.raiz}/dados/contagens.json", {"n": 1})
    lago.escrever_json(f"{lago.raiz}/dados/vista.json", {"n": 0})
    lago.escrever_json(f"{lago.raiz}/dados/renovada.json", {"n": 5})
    publicacao.apagar_json(f"{lago.raiz}/dados/vista.json", {"n": 0})
    publicacao.apagar_json(f"{lago.raiz}/dados/renovada.json", {"n": 4})
    return publicacao


@pytest.mark.parametrize("antes_ou_depois", ["antes", "depois"])
def test_interrompida_em_cada_ponto(spark, tmp_path, monkeypatch, antes_ou_depois):
    from lago import Lago
    from publicacao import concluir, interrompidas

    operacoes = {nome: getattr(Lago, nome) for nome in ("substituir", "apagar", "escrever_json")}
    pontos, feitas, fim = 0, 0, [0]
    while True:
        raiz = tmp_path / str(pontos)
        lago = Lago(spark, raiz.as_uri())
        publicacao = preparar(lago, raiz)
        fim[0] = pontos

        def contada(nome):
            def operacao(self, *args):
                if fim[0] == 0 and antes_ou_depois == "antes":
                    raise Morto(nome)
                fim[0] -= 1
                operacoes[nome](self, *args)
                if fim[0] < 0 and antes_ou_depois == "depois":
                    raise Morto(nome)

            return operacao

        for nome in operacoes:
            monkeypatch.setattr(Lago, nome, contada(nome))
        monkeypatch.setattr(Lago, "em_paralelo", lambda self, funcao, itens, quantas=1: [funcao(item) for item in itens])
        try:
            publicacao.publicar()
            break
        except Morto:
            pass
        finally:
            monkeypatch.undo()
        for tabela, grupos in visivel(raiz).items():
            for grupo, valor in grupos.items():
                assert valor in (ANTES[tabela].get(grupo), DEPOIS[tabela].get(grupo))
        decidida = bool(interrompidas(lago, "silver"))
        ja_feita = (raiz / "dados/contagens.json").exists()
        assert concluir(lago, "silver") == int(decidida)
        feitas += decidida
        assert visivel(raiz) == (DEPOIS if decidida or ja_feita else ANTES)
        assert (raiz / "dados/contagens.json").exists() == (decidida or ja_feita)
        assert (raiz / "dados/vista.json").exists() != (decidida or ja_feita)
        assert (raiz / "dados/renovada.json").exists()
        assert list((raiz / "dados/_preparo").iterdir()) == []
        pontos += 1
    assert visivel(raiz) == DEPOIS
    assert pontos > 10 and feitas >= 8


def test_parte_perdida(spark, tmp_path):
    """A record whose file is nowhere is an error, not a silent gap."""
    from lago import Lago, PipelineError
    from publicacao import concluir

    lago = Lago(spark, tmp_path.as_uri())
    destino = lago.silver("a") + "/d=1/parte.parquet"
    registro = {"trocas": [[lago.preparo + "/silver-1/x.parquet", destino]], "sobras": [], "antes": {}, "depois": {}, "apagar": {}}
    lago.escrever_json(lago.preparo + "/silver-1/publicacao.json", registro)
    with pytest.raises(PipelineError, match="a publicação interrompida perdeu .*x.parquet .para .*d=1/parte.parquet"):
        concluir(lago, "silver")
