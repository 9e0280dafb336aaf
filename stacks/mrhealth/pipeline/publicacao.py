"""Publishing: what a run has written becomes the lake's content, partition by partition, whole or not at all.

A run writes everything below ``dados/_preparo/<job>-<time>/`` first, where nobody reads. When all of it is there and its
counts are right, ``publicacao.json`` beside it says which file goes where; from then on the run counts as decided.
Each partition is one file with one name, so that publishing it is one replacement of one file, which readers see before
or after but not in between (``Lago.substituir``).

A run that dies before ``publicacao.json`` has changed nothing, and what it left is thrown away by the next one. A run
that dies after it is completed by the next one (``concluir``): every step can be done again.
"""

import time

from lago import PipelineError, particao

#: The name of the one file of a partition.
PARTE = "parte.parquet"
_REGISTRO = "publicacao.json"
#: So many partitions are written by one task, more by as many as there are.
_POUCAS = 3
#: Tables that are written at the same time.
_GRAVACOES = 4


class Publicacao:
    """What one run of a job is going to publish."""

    def __init__(self, lago, trabalho):
        self._lago = lago
        self.nome = "{}-{}".format(trabalho, int(time.time() * 1000))
        self._base = "{}/{}".format(lago.preparo, self.nome)
        self._tabelas, self._adiadas = [], []
        self._antes, self._depois, self._apagar = {}, {}, {}

    def preparada(self, destino):
        """Where the new content of a table waits."""
        return self._base + destino[len(self._lago.raiz) :]

    def gravar(self, df, destino, ordem, coluna=None, valores=None, completa=False):
        """Prepares a table, sorted by ``ordem``, in one file, or in one file for each value of ``coluna``.

        ``valores`` are the partitions that the run is about: one of them without rows will be removed. Of a
        ``completa`` table every other partition is removed too.
        """
        if coluna and len(valores) > _POUCAS:
            ordenada = df.repartition(coluna).sortWithinPartitions(coluna, *ordem)
            ordenada.write.mode("overwrite").partitionBy(coluna).parquet(self.preparada(destino))
        else:
            # A shuffle, to bring each partition's rows together, costs more than these rows are worth.
            escritor = df.coalesce(1).sortWithinPartitions(*([coluna] if coluna else []), *ordem).write.mode("overwrite")
            (escritor.partitionBy(coluna) if coluna else escritor).parquet(self.preparada(destino))
        self._tabelas.append((destino, coluna, valores, completa))

    def adiar(self, *args):
        """``gravar`` later, together with others: writing small tables one by one leaves a cluster idle."""
        self._adiadas.append(args)

    def gravar_adiadas(self):
        adiadas, self._adiadas = self._adiadas, []
        self._lago.em_paralelo(lambda args: self.gravar(*args), adiadas, _GRAVACOES)

    def esvaziar(self, destino, coluna, valores, completa=False):
        """The same for a table without rows in any of the partitions."""
        self._tabelas.append((destino, coluna, valores, completa))

    def tem(self, destino):
        """Whether something was prepared for a table."""
        return self._lago.existe(self.preparada(destino))

    def json(self, caminho, conteudo, antes=False):
        """A JSON file to write when all tables are published, or before the first one is."""
        (self._antes if antes else self._depois)[caminho] = conteudo

    def apagar_json(self, caminho, conteudo):
        """A JSON file to delete at the very end, if it still says the same: a later run may have renewed it."""
        self._apagar[caminho] = conteudo

    def publicar(self):
        trocas, sobras = [], []
        for destino, coluna, valores, completa in self._tabelas:
            pasta = self.preparada(destino)
            novas = {}
            for arquivo in self._lago.listar(pasta + ("/*/*.parquet" if coluna else "/*.parquet")):
                grupo = arquivo.caminho.rsplit("/", 2)[1] if coluna else ""
                if grupo in novas:
                    raise PipelineError("mais de um arquivo para publicar em {}/{}".format(destino, grupo))
                novas[grupo] = arquivo.caminho
            trocas += [[novas[g], "/".join(filter(None, [destino, g, PARTE]))] for g in sorted(novas)]
            velhas = {particao(destino, coluna, valor) for valor in valores or []}
            if coluna and completa:
                nomes = [a.caminho.rsplit("/", 1)[1] for a in self._lago.listar(destino + "/*")]
                velhas |= {"{}/{}".format(destino, nome) for nome in nomes}
            sobras += sorted(velhas - {"{}/{}".format(destino, grupo) for grupo in novas})
        registro = {
            "trocas": trocas,
            "sobras": sobras,
            "antes": self._antes,
            "depois": self._depois,
            "apagar": self._apagar,
        }
        self._lago.escrever_json("{}/{}".format(self._base, _REGISTRO), registro)
        _aplicar(self._lago, registro, self._base)

    def descartar(self):
        self._lago.apagar(self._base)


def interrompidas(lago, trabalho):
    """The decided but unfinished publications of a job, oldest first."""
    return [a.caminho for a in lago.listar("{}/{}-*/{}".format(lago.preparo, trabalho, _REGISTRO))]


def concluir(lago, trabalho):
    """Finishes what a run that died had decided, and throws away what it had not; returns how many it finished."""
    registros = interrompidas(lago, trabalho)
    for registro in registros:
        _aplicar(lago, lago.ler_json(registro), registro.rsplit("/", 1)[0])
    for resto in lago.listar("{}/{}-*".format(lago.preparo, trabalho)):
        lago.apagar(resto.caminho)
    return len(registros)


def _aplicar(lago, registro, base):
    """Does what a record says. In an order in which it can be interrupted and done again from the beginning."""
    for caminho in sorted(registro["antes"]):
        lago.escrever_json(caminho, registro["antes"][caminho])
    lago.em_paralelo(lambda troca: _trocar(lago, *troca), registro["trocas"])
    lago.em_paralelo(lago.apagar, registro["sobras"])
    lago.em_paralelo(lambda caminho: lago.escrever_json(caminho, registro["depois"][caminho]), sorted(registro["depois"]))
    lago.em_paralelo(lambda caminho: _apagar_json(lago, caminho, registro["apagar"][caminho]), sorted(registro["apagar"]))
    # The record goes first: files without it are rubbish, a record without its files would be an error.
    lago.apagar("{}/{}".format(base, _REGISTRO))
    lago.apagar(base)


def _trocar(lago, origem, destino):
    if lago.existe(origem):
        lago.substituir(origem, destino)
    elif not lago.existe(destino):
        raise PipelineError("a publicação interrompida perdeu {} (para {})".format(origem, destino))
    pasta = destino.rsplit("/", 1)[0]
    for outro in lago.listar(pasta + "/*.parquet"):
        if not outro.caminho.endswith("/" + PARTE):
            lago.apagar(outro.caminho)


def _apagar_json(lago, caminho, conteudo):
    if lago.existe(caminho) and lago.ler_json(caminho) == conteudo:
        lago.apagar(caminho)
