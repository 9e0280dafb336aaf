"""Análise: forecasts, what to order, and what went wrong, of one business date. The last step of a run.

Reads a bounded window of gold (``previsao.JANELA`` days up to ``--data``), so that its cost does not grow with the years.
The products are analysed on the executors, unit by unit (``produtos.analisar``); the rest is a few thousand numbers, which
plain Python works out on the driver. One step for all three, because starting Spark takes longer than any of them.

Each table's partition is one parquet file with one name, replaced as a whole: running the job again for a date gives
the same files, and no reader ever sees a half of one.
"""

import argparse
import datetime
from collections import Counter, namedtuple
from decimal import Decimal

import numpy as np
from pyspark.sql import functions as F

import alertas
import alertas_qualidade
import estoque
import previsao
import produtos
from lago import Lago, PipelineError, executar_trabalho, preparar_sessao, tabela_alinhada
from publicar_gold import arredondar, existe_particao, ler_particoes, ler_texto, publicar
from resumo import relatorio, resumir

#: Gold tables as this job reads them; more columns than these do not disturb.
VENDAS = (
    "id_unidade int, tipo string, status string, pedidos bigint, valor decimal(18,2), taxa_entrega decimal(18,2), data date"
)
PRODUTOS = (
    "id_unidade int, id_produto int, status string, pedidos bigint, quantidade bigint, valor_itens decimal(18,2), "
    "preco_minimo decimal(12,2), preco_maximo decimal(12,2), data date"
)
UNIDADES = (
    "id_unidade int, filial string, enviou boolean, pedidos bigint, itens bigint, pedidos_recusados bigint, "
    "itens_recusados bigint, diferenca decimal(18,2), pedidos_divergentes bigint, atraso_horas decimal(10,2), data date"
)
ARQUIVOS = (
    "id_unidade int, tabela string, arquivo string, lidas bigint, aceitas bigint, recusadas bigint, normalizacoes bigint, "
    "detalhe string, data date"
)
ESTOQUE = "referencia/estoque.csv"

Opcoes = namedtuple("Opcoes", "politica janela recomendacoes")
PADRAO = Opcoes(estoque.PADRAO, previsao.JANELA, 20)


def executar(spark, raiz, data, opcoes=PADRAO):
    """Runs the job on the lake at ``raiz``; returns the summary that it also prints and stores."""
    if not data:
        raise PipelineError("falta --data: a análise é sempre de um dia")
    lago = Lago(preparar_sessao(spark), raiz)
    # Rows go to pandas in columns, not one by one.
    spark.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
    hoje = datetime.date.fromisoformat(data)
    dias = [hoje - datetime.timedelta(n) for n in range(opcoes.janela - 1, -1, -1)]
    _exigir_gold(lago, hoje)

    historia = Historia(spark, lago, dias)
    analisados = _analisar_produtos(spark, lago, historia, opcoes)
    pecas, problemas_estoque = _estoque(lago)
    itens = _itens(analisados, historia)
    pedidos = estoque.recomendar([i for i in itens if i["previsao"]], opcoes.politica, pecas)
    pedidos.sort(key=lambda r: (-r["pedir"] * (r["preco_mediano"] or 0), r["id_unidade"], r["id_produto"]))
    avisos = alertas.ordenar(_alertas(hoje, historia, itens, problemas_estoque))

    publicar(lago, "previsao", "data_base", data, _linhas_previsao(hoje, itens))
    publicar(lago, "previsao_receita", "data_base", data, _linhas_receita(hoje, historia))
    publicar(lago, "recomendacao_estoque", "data", data, pedidos)
    publicar(lago, "alertas", "data", data, [dict(a._asdict(), ordem=n) for n, a in enumerate(avisos, 1)])
    # What was never tried on days that it had not seen is in the table; nobody is told to buy by it.
    testados = [p for p in pedidos if p["erro_baseline"] is not None]
    resumo = resumir(hoje, historia, avisos, testados[: opcoes.recomendacoes])
    # The summary last: who finds it finds the tables too.
    lago.escrever_json("{}/_resumo/data={}.json".format(lago.gold("alertas"), data), resumo)
    contagem = Counter(i["previsao"].modelo for i in itens if i["previsao"])
    print(relatorio(resumo, raiz, contagem, _erros(itens), tabela_alinhada), flush=True)
    return resumo


def _exigir_gold(lago, hoje):
    if not lago.existe(lago.gold("qualidade_unidades")):
        raise PipelineError(
            "não há tabelas gold em {}: execute os passos silver e gold antes da análise".format(lago.gold(""))
        )
    if not existe_particao(lago, "qualidade_unidades", hoje):
        raise PipelineError(
            "o gold de {0} não existe ({1}/data={0}): execute o passo gold para essa data".format(
                hoje, lago.gold("qualidade_unidades")
            )
        )


class Historia:
    """The window of the units: per unit an array with a value per day, the business date last."""

    def __init__(self, spark, lago, dias):
        self.dias = dias
        self._indice = {dia: n for n, dia in enumerate(dias)}
        qualidade = ler_particoes(spark, lago, "qualidade_unidades", UNIDADES, dias).collect()
        vendas = (
            ler_particoes(spark, lago, "vendas_diarias", VENDAS, dias)
            .groupBy("data", "id_unidade", "status")
            .agg(F.sum("pedidos").alias("pedidos"), F.sum("valor").alias("valor"))
            .collect()
        )
        self.dia_atual = {q["id_unidade"]: q.asDict() for q in qualidade if q["data"] == dias[-1]}
        # Units of the reference table as of the day; those that have left it since are history.
        self.unidades = sorted((n, q["filial"]) for n, q in self.dia_atual.items())
        self.arquivos = [
            linha.asDict() for linha in ler_particoes(spark, lago, "qualidade_arquivos", ARQUIVOS, dias[-1:]).collect()
        ]
        numeros = [n for n, _ in self.unidades]
        nomes = ("pedidos", "cancelados", "receita", "divergentes", "atraso")
        self.enviou = {n: np.zeros(len(dias), dtype=bool) for n in numeros}
        self._valores = {nome: {n: np.full(len(dias), np.nan) for n in numeros} for nome in nomes}
        self.totais = {}
        self.produtos = {p["id_produto"]: p["nome_produto"] for p in lago.ler_silver("produto").collect()}
        for q in qualidade:
            unidade, dia = q["id_unidade"], self._indice[q["data"]]
            if unidade not in self.enviou:
                continue
            self.enviou[unidade][dia] = q["enviou"]
            if q["enviou"]:
                for nome in ("pedidos", "cancelados", "receita"):
                    self._valores[nome][unidade][dia] = 0
                self._valores["divergentes"][unidade][dia] = q["pedidos_divergentes"] or 0
                if q["atraso_horas"] is not None:
                    self._valores["atraso"][unidade][dia] = float(q["atraso_horas"])
        for v in vendas:
            unidade, dia = v["id_unidade"], self._indice[v["data"]]
            chave = (v["data"], v["status"])
            antes = self.totais.get(chave, (0, Decimal(0)))
            self.totais[chave] = (antes[0] + v["pedidos"], antes[1] + v["valor"])
            if unidade not in self.enviou:
                continue
            # A day with orders was reported, whatever the quality tables of that time say.
            self.enviou[unidade][dia] = True
            for nome, soma in (
                ("pedidos", v["pedidos"]),
                ("cancelados", v["pedidos"] if v["status"] == "Cancelado" else 0),
                ("receita", float(v["valor"]) if v["status"] == "Finalizado" else 0),
            ):
                serie = self._valores[nome][unidade]
                serie[dia] = np.nan_to_num(serie[dia]) + soma

    def __getattr__(self, nome):
        """pedidos, cancelados, receita, divergentes, atraso: unit to array; NaN where the unit did not report."""
        try:
            return self.__dict__["_valores"][nome]
        except KeyError:
            raise AttributeError(nome) from None


def _analisar_produtos(spark, lago, historia, opcoes):
    """One row per unit and product, from the executors."""
    dias = historia.dias
    df = (
        ler_particoes(spark, lago, "vendas_produto_diarias", PRODUTOS, dias)
        .filter(F.col("id_unidade").isin([n for n, _ in historia.unidades]))
        .groupBy("id_unidade", "id_produto", "data")
        # Cancelled pieces were never asked of the stock; pending ones will be.
        .agg(
            F.sum(F.when(F.col("status") != "Cancelado", F.col("quantidade")).otherwise(0)).cast("double").alias("quantidade"),
            F.min("preco_minimo").cast("double").alias("preco_minimo"),
            F.max("preco_maximo").cast("double").alias("preco_maximo"),
        )
        .withColumn("dia", F.datediff("data", F.lit(dias[0].isoformat()).cast("date")))
        .drop("data")
    )
    enviou = historia.enviou
    periodo = opcoes.politica.revisao + opcoes.politica.entrega

    def da_unidade(chave, quadro):
        return produtos.analisar(chave[0], quadro, enviou[int(chave[0])], periodo=periodo)

    return df.groupBy("id_unidade").applyInPandas(da_unidade, produtos.ESQUEMA).collect()


def _itens(analisados, historia):
    """The analysed products as dictionaries, with names."""
    filiais, itens = dict(historia.unidades), []
    for linha in sorted(analisados, key=lambda a: (a["id_unidade"], a["id_produto"])):
        prevista = None
        if linha["modelo"]:
            campos = {nome: linha[nome] for nome in previsao.Previsao._fields}
            prevista = previsao.Previsao(**dict(campos, previsto=np.array(linha["previsto"])))
        nome = historia.produtos.get(linha["id_produto"], "produto {}".format(linha["id_produto"]))
        itens.append(
            {
                "id_unidade": linha["id_unidade"],
                "filial": filiais[linha["id_unidade"]],
                "id_produto": linha["id_produto"],
                "produto": nome,
                "preco": linha["preco"],
                "vendido": linha["vendido"],
                "previsao": prevista,
                "parada": linha["parada"],
                "preco_fora": linha["preco_fora"],
            }
        )
    return itens


def _alertas(hoje, h, itens, problemas_estoque):
    de_produto = [dict(i, unidade=(i["id_unidade"], i["filial"]), produto=(i["id_produto"], i["produto"])) for i in itens]
    avisos = alertas.envios(hoje, h.unidades, h.enviou)
    avisos += alertas.receitas(hoje, h.unidades, h.receita)
    avisos += alertas.cancelamentos(hoje, h.unidades, h.cancelados, h.pedidos)
    avisos += alertas.parados(hoje, de_produto) + alertas.precos(hoje, de_produto)
    avisos += alertas_qualidade.recusas(h.unidades, h.dia_atual, h.arquivos)
    avisos += alertas_qualidade.divergencias(h.unidades, h.dia_atual, h.divergentes, h.pedidos)
    avisos += alertas_qualidade.atrasos(h.unidades, h.dia_atual, h.atraso)
    avisos += alertas_qualidade.normalizados(h.unidades, h.arquivos)
    if problemas_estoque:
        avisos.append(
            alertas.alerta(
                "baixa", "estoque_invalido", (None, None), "Linhas de estoque.csv foram ignoradas",
                "{} de {}; a primeira: {}".format(len(problemas_estoque), ESTOQUE, problemas_estoque[0]),
                "Corrigir o arquivo: Id_Unidade,Id_Produto,Qtd_Estoque, números inteiros.",
            )
        )  # fmt: skip
    return avisos


def _linhas_previsao(hoje, itens):
    linhas = []
    for item in itens:
        p = item["previsao"]
        if p is None:
            continue
        inferior, superior = previsao.intervalo(p.previsto[: previsao.HORIZONTE], p.dispersao)
        for passo in range(previsao.HORIZONTE):
            linhas.append(
                {
                    "data": hoje + datetime.timedelta(passo + 1),
                    "id_unidade": item["id_unidade"],
                    "filial": item["filial"],
                    "id_produto": item["id_produto"],
                    "produto": item["produto"],
                    "previsto": arredondar(p.previsto[passo]),
                    "inferior": arredondar(inferior[passo]),
                    "superior": arredondar(superior[passo]),
                    **_do_modelo(p),
                }
            )
    return linhas


def _linhas_receita(hoje, historia):
    linhas = []
    for unidade, filial in historia.unidades:
        p = previsao.prever_serie(historia.receita[unidade], contagem=False)
        if p is None:
            continue
        previsto = p.previsto[: previsao.HORIZONTE]
        inferior, superior = previsao.intervalo(previsto, p.dispersao, contagem=False)
        for passo in range(previsao.HORIZONTE):
            linhas.append(
                {
                    "data": hoje + datetime.timedelta(passo + 1),
                    "id_unidade": unidade,
                    "filial": filial,
                    "previsto": _dinheiro(previsto[passo]),
                    "inferior": _dinheiro(inferior[passo]),
                    "superior": _dinheiro(superior[passo]),
                    **_do_modelo(p),
                }
            )
    return linhas


def _do_modelo(p):
    return {
        "modelo": p.modelo,
        "medida_erro": p.medida_erro,
        "erro_modelo": arredondar(p.erro_modelo, 4),
        "erro_baseline": arredondar(p.erro_baseline, 4),
        "dias_de_historia": p.dias_de_historia,
    }


def _dinheiro(valor):
    return Decimal(str(float(valor))).quantize(Decimal("0.01"))


def _erros(itens):
    """Median error of the model and of the baseline over the products that were back-tested by days."""
    pares = [
        (i["previsao"].erro_modelo, i["previsao"].erro_baseline)
        for i in itens
        if i["previsao"] and i["previsao"].erro_modelo is not None and i["previsao"].medida_erro == "wape_diario"
    ]
    return tuple(float(np.median(coluna)) for coluna in zip(*pares)) if pares else None


def _estoque(lago):
    """Pieces at hand by (unit, product), None if head office sent no such file; and what was wrong with it."""
    caminho = "{}/{}".format(lago.csv, ESTOQUE)
    texto = ler_texto(lago, caminho)
    return (None, []) if texto is None else estoque.ler_estoque(texto)


def _opcoes(argv=None):
    leitor = argparse.ArgumentParser(prog="analise.py", add_help=False, allow_abbrev=False)
    p = PADRAO.politica
    leitor.add_argument("--nivel-servico", type=float, default=p.nivel, help="probabilidade de não faltar, ex.: 0.95")
    leitor.add_argument("--revisao-dias", type=int, default=p.revisao, help="dias entre dois pedidos ao fornecedor")
    leitor.add_argument("--entrega-dias", type=int, default=p.entrega, help="dias até o pedido chegar")
    leitor.add_argument("--janela-dias", type=int, default=PADRAO.janela, help="dias de história que são lidos")
    leitor.add_argument("--recomendacoes", type=int, default=PADRAO.recomendacoes, help="pedidos no resumo")
    o, resto = leitor.parse_known_args(argv)
    if not 0.5 <= o.nivel_servico < 1:
        leitor.error("--nivel-servico deve estar entre 0.5 e 1")
    if o.revisao_dias < 1 or o.entrega_dias < 0 or o.revisao_dias + o.entrega_dias > 28:
        leitor.error("--revisao-dias e --entrega-dias devem somar de 1 a 28")
    if not previsao.MINIMO_SEMANAL <= o.janela_dias <= 730:
        leitor.error("--janela-dias deve estar entre {} e 730".format(previsao.MINIMO_SEMANAL))
    politica = estoque.Politica(o.nivel_servico, o.revisao_dias, o.entrega_dias)
    return Opcoes(politica, o.janela_dias, o.recomendacoes), resto


if __name__ == "__main__":
    _escolhidas, _restantes = _opcoes()
    executar_trabalho(
        "analise",
        lambda spark, raiz, data, de=None, ate=None: executar(spark, raiz, data or ate, _escolhidas),
        _restantes,
    )
