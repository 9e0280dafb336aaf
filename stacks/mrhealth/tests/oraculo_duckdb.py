"""The lake of a folder of units' files, worked out in DuckDB's SQL straight from the CSV files: no Spark, none of its code.

For generated data, which is too much for ``oraculo.py``'s one row at a time. Only the cutting of files into lines and
fields is Python; the rules, the quarantine and the gold tables are SQL over raw text. Flat sample files are not read:
whose their items are is ``oraculo.py``'s to know.

    oraculo = Oraculo("lago/dados/silver/csv")
    oraculo.motivos("pedido")          # {"valor_negativo": 3}
    oraculo.gold("vendas_diarias")     # rows as dictionaries
"""

import csv
import re
import unicodedata
from pathlib import Path

import duckdb
import pyarrow as pa

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
_CAMINHO = re.compile(r"^(?:referencia|unidade=(\d+)/data=(\d{4}-\d{2}-\d{2}))/(\w+)\.csv$")


class Oraculo:
    def __init__(self, pasta):
        self._db = duckdb.connect()
        arquivos, linhas = _ler(Path(pasta))
        for nome, colunas in (("arquivo", arquivos), ("linha", linhas)):
            self._db.register("_entrada", pa.table(colunas))
            self._db.execute("create table {} as select * from _entrada".format(nome))
            self._db.unregister("_entrada")
        self._db.execute(_MACROS)
        for comando in _SILVER.split(";\n"):
            if comando.strip():
                self._db.execute(comando)

    def consultar(self, sql, *valores):
        """Rows of a query as dictionaries."""
        cursor = self._db.execute(sql, valores)
        nomes = [coluna[0] for coluna in cursor.description]
        return [dict(zip(nomes, linha)) for linha in cursor.fetchall()]

    def motivos(self, tabela):
        """Rows in quarantine by reason."""
        contados = "select motivo, count(*) n from {} where motivo is not null group by motivo order by motivo"
        return {linha["motivo"]: linha["n"] for linha in self.consultar(contados.format(tabela))}

    def linhas(self, tabela):
        """(arquivo, numero) -> reason, None for silver."""
        todas = self.consultar("select arquivo, numero, motivo from {}".format(tabela))
        return {(linha["arquivo"], linha["numero"]): linha["motivo"] for linha in todas}

    def gold(self, tabela):
        return self.consultar(_GOLD[tabela])

    @staticmethod
    def tabelas():
        return sorted(_GOLD)


# --- files -------------------------------------------------------------------------------------------------------


def _ler(pasta):
    """Columns of the files and of their lines: where a line is, whether it can be cut into fields, and these as text."""
    arquivos = {n: [] for n in ("arquivo", "tabela", "unidade_pasta", "data_pasta", "tamanho", "modificado", "lidas")}
    linhas = {n: [] for n in ("arquivo", "tabela", "numero", "cabecalho_ok", "inteira", "danificada")}
    for i in range(8):
        linhas["c{}".format(i)] = []
    for caminho in sorted(pasta.rglob("*.csv")):
        nome = caminho.relative_to(pasta).as_posix()
        lugar = _CAMINHO.match(nome.lower())
        if not lugar or lugar.group(3) not in TABELAS:
            continue
        tabela, estado = lugar.group(3), caminho.stat()
        lidas = _ler_arquivo(nome, tabela, caminho.read_bytes(), linhas)
        unidade = lugar.group(1) and int(lugar.group(1))
        modificado = int(estado.st_mtime * 1000)
        for coluna, valor in zip(arquivos, (nome, tabela, unidade, lugar.group(2), estado.st_size, modificado, lidas)):
            arquivos[coluna].append(valor)
    return arquivos, linhas


def _ler_arquivo(nome, tabela, conteudo, linhas):
    textos = []
    for bruta in re.split(b"\r\n|\n|\r", conteudo):
        try:
            textos.append(bruta.decode("utf-8-sig"))
        except UnicodeDecodeError:
            textos.append(bruta.decode("cp1252", "replace"))
    cabecalho, lidas = next((t for t in textos if t.strip()), ""), 0
    separador = ";" if cabecalho.count(";") > cabecalho.count(",") else ","
    nomes, esperados = [_reduzir(n) for n in cabecalho.split(separador)], [_reduzir(n) for n in TABELAS[tabela]]
    certo = sorted(nomes) == sorted(esperados)
    posicoes = [nomes.index(n) if n in nomes else None for n in esperados]
    for numero, texto in enumerate(textos, 1):
        if not texto.strip() or [_reduzir(n) for n in texto.split(separador)] == nomes:
            continue
        campos = next(csv.reader([texto], delimiter=separador))
        inteira = texto.count('"') % 2 == 0 and len(campos) == len(esperados)
        valores = [campos[p].strip() if inteira and p is not None and p < len(campos) else None for p in posicoes]
        danificada = bool(re.search("[\ufffd\x00-\x08\x0b\x0c\x0e-\x1f]", texto))
        for coluna, valor in zip(linhas, [nome, tabela, numero, certo, inteira, danificada] + valores + [None] * (8 - len(valores))):
            linhas[coluna].append(valor)
        lidas += 1
    return lidas


def _reduzir(texto):
    sem_acento = unicodedata.normalize("NFD", texto.lower())
    return "".join(letra for letra in sem_acento if letra.isascii() and letra.isalnum())


# --- rules -------------------------------------------------------------------------------------------------------

_MACROS = r"""
create macro vazio(t) as (t is null or t = '');
create macro inteiro_de(t, n) as (case when regexp_full_match(t, '[0-9]{1,' || n || '}') then t::bigint end);
create macro dinheiro_de(t) as (case
    when regexp_full_match(t, '-?([0-9]{1,10}|[0-9]{1,3}(\.[0-9]{3}){1,3}),[0-9]{1,2}')
        then replace(replace(t, '.', ''), ',', '.')::decimal(12,2)
    when regexp_full_match(t, '-?[0-9]{1,10}(\.[0-9]{1,2})?') then t::decimal(12,2) end);
create macro dia_de(t) as (case when regexp_full_match(t, '[0-9]{4}-[0-9]{2}-[0-9]{2}') then try_cast(t as date) end);
create macro simples(t) as regexp_replace(strip_accents(lower(t)), '[^a-z0-9]', '', 'g');
create macro tipo_de(t) as (case simples(t) when 'lojaonline' then 'Loja Online' when 'lojafisica' then 'Loja Física' end);
create macro status_de(t) as (case simples(t) when 'finalizado' then 'Finalizado' when 'pendente' then 'Pendente'
    when 'cancelado' then 'Cancelado' end);
"""

_DO_ARQUIVO = """
    when not cabecalho_ok then 'cabecalho_invalido'
    when danificada then 'codificacao_invalida'
    when not inteira then 'linha_malformada'
"""

_SILVER = (
    """
create table pais as select c0 id_pais, c1 nome from linha where tabela = 'pais';
create table estado as select c0::int id_estado, c1 id_pais, c2 nome from linha where tabela = 'estado';
create table produto as select c0::int id_produto, c1 nome from linha where tabela = 'produto';
create table filial as
    select u.c0::int id_unidade, u.c1 filial, e.nome estado, p.id_pais, p.nome pais
    from linha u join estado e on e.id_estado = u.c2::int join pais p using (id_pais) where u.tabela = 'unidade';

-- Of two files of the same unit, day and table the newer one counts.
create table substituida as
    select arquivo from (
        select *, row_number() over (partition by tabela, unidade_pasta, data_pasta order by modificado desc, arquivo desc) vez
        from arquivo where unidade_pasta is not null)
    where vez > 1;

create table pedido_tipado as
    select l.*, a.unidade_pasta, a.data_pasta::date data_pasta, l.arquivo in (from substituida) velho,
        inteiro_de(c0, 9)::int id_unidade, inteiro_de(c1, 18) id_pedido, tipo_de(c2) tipo, dia_de(c3) data,
        dinheiro_de(c4) valor, nullif(nullif(c5, '--'), '') endereco, dinheiro_de(c6) taxa, status_de(c7) status
    from linha l join arquivo a using (arquivo) where l.tabela = 'pedido';

create table pedido_julgado as select *, case """
    + _DO_ARQUIVO
    + """
    when vazio(c0) or vazio(c1) then 'chave_ausente'
    when vazio(c2) or vazio(c3) or vazio(c4) or vazio(c6) or vazio(c7) then 'campo_ausente'
    when id_unidade is null or id_pedido is null or valor is null or taxa is null then 'numero_invalido'
    when data is null then 'data_invalida'
    when valor < 0 or taxa < 0 then 'valor_negativo'
    when tipo is null then 'tipo_desconhecido'
    when status is null then 'status_desconhecido'
    when id_unidade <> unidade_pasta then 'unidade_divergente'
    when data <> data_pasta then 'data_divergente'
    when id_unidade not in (select id_unidade from filial) then 'unidade_desconhecida'
    when velho then 'versao_substituida' end motivo
    from pedido_tipado;

create table pedido as select * exclude (motivo, vez, versoes), case when motivo is not null then motivo
    when vez > 1 then 'linha_duplicada' when versoes > 1 then 'chave_conflitante' end motivo
    from (select *,
        row_number() over (partition by motivo is null, unidade_pasta, data_pasta, id_pedido, tipo, valor, endereco, taxa, status
            order by arquivo, numero) vez,
        count(distinct (tipo, valor, endereco, taxa, status)) over (partition by motivo is null, unidade_pasta, data_pasta,
            id_pedido) versoes
        from pedido_julgado);

create table numero_de_pedido as
    select unidade_pasta, data_pasta, id_pedido, bool_or(motivo is null) aceito, any_value(status) filter (motivo is null) status
    from pedido where id_pedido is not null group by all;

create table item_tipado as
    select l.*, a.unidade_pasta, a.data_pasta::date data_pasta, l.arquivo in (from substituida) velho,
        inteiro_de(c0, 18) id_pedido, inteiro_de(c1, 9) id_item, inteiro_de(c2, 9)::int id_produto,
        case when regexp_full_match(c3, '-?[0-9]{1,9}') then c3::int end qtd, dinheiro_de(c4) vlr, nullif(c5, '') obs
    from linha l join arquivo a using (arquivo) where l.tabela = 'item_pedido';

create table item_julgado as select i.*, n.status, case """
    + _DO_ARQUIVO
    + """
    when vazio(c0) or vazio(c1) then 'chave_ausente'
    when vazio(c2) or vazio(c3) or vazio(c4) then 'campo_ausente'
    when i.id_pedido is null or id_item is null or id_produto is null or qtd is null or vlr is null then 'numero_invalido'
    when qtd < 0 or vlr < 0 then 'valor_negativo'
    when qtd = 0 then 'quantidade_zero'
    when id_produto not in (select id_produto from produto) then 'produto_desconhecido'
    when n.aceito is null then 'pedido_inexistente'
    when not n.aceito then 'pedido_em_quarentena'
    when velho then 'versao_substituida' end motivo
    from item_tipado i left join numero_de_pedido n using (unidade_pasta, data_pasta, id_pedido);

create table item_pedido as select * exclude (motivo, vez, versoes), case when motivo is not null then motivo
    when vez > 1 then 'linha_duplicada' when versoes > 1 then 'chave_conflitante' end motivo
    from (select *,
        row_number() over (partition by motivo is null, unidade_pasta, data_pasta, id_pedido, id_item, id_produto, qtd, vlr, obs
            order by arquivo, numero) vez,
        count(distinct (id_produto, qtd, vlr, obs)) over (partition by motivo is null, unidade_pasta, data_pasta, id_pedido,
            id_item) versoes
        from item_julgado);

create table venda as
    select f.*, p.id_pedido, p.data, p.tipo, p.status, p.valor, p.taxa,
        coalesce(i.itens, 0) itens, coalesce(i.quantidade, 0) quantidade, coalesce(i.valor_itens, 0)::decimal(18,2) valor_itens
    from pedido p join filial f using (id_unidade) left join (
        select unidade_pasta, data_pasta, id_pedido, count(*) itens, sum(qtd) quantidade, sum(qtd * vlr) valor_itens
        from item_pedido where motivo is null group by all) i
        on i.unidade_pasta = p.unidade_pasta and i.data_pasta = p.data_pasta and i.id_pedido = p.id_pedido
    where p.motivo is null;

create table venda_produto as
    select unidade_pasta id_unidade, data_pasta as data, id_pedido, id_produto, status, qtd, vlr, qtd * vlr valor_linha
    from item_pedido where motivo is null;
"""
)

# --- gold --------------------------------------------------------------------------------------------------------

_UNIDADE = "id_unidade, filial, estado, id_pais, pais"
_MEDIDAS = """
    count(status) pedidos, coalesce(sum(valor) filter (status = 'Finalizado'), 0)::decimal(18,2) receita,
    count(*) filter (status = 'Finalizado') pedidos_finalizados, count(*) filter (status = 'Pendente') pedidos_pendentes,
    count(*) filter (status = 'Cancelado') pedidos_cancelados,
    coalesce(sum(valor) filter (status = 'Pendente'), 0)::decimal(18,2) valor_pendente,
    coalesce(sum(valor) filter (status = 'Cancelado'), 0)::decimal(18,2) valor_cancelado,
    coalesce(sum(taxa) filter (status = 'Finalizado'), 0)::decimal(18,2) taxa_entrega"""


def _do_status(status, quantidade, valor):
    return (
        "coalesce(sum(qtd) filter (status = '{0}'), 0)::bigint {1}, "
        "coalesce(sum(valor_linha) filter (status = '{0}'), 0)::decimal(18,2) {2}"
    ).format(status, quantidade, valor)


_GOLD = {
    "vendas_diarias": """select {}, data, tipo, status, count(*) pedidos, sum(valor)::decimal(18,2) valor,
        sum(taxa)::decimal(18,2) taxa_entrega from venda group by all""".format(_UNIDADE),
    "vendas_produto_diarias": """select v.id_unidade, v.data, v.id_produto, p.nome produto, v.status,
        count(distinct v.id_pedido) pedidos, sum(v.qtd)::bigint quantidade, sum(v.valor_linha)::decimal(18,2) valor_itens,
        min(v.vlr) preco_minimo, max(v.vlr) preco_maximo from venda_produto v join produto p using (id_produto) group by all""",
    "vendas_consolidadas": """select {}, id_pedido, data, year(data) ano, month(data) mes, tipo, status, valor,
        taxa taxa_entrega, itens, quantidade::bigint quantidade, valor_itens, 0 itens_ambiguos from venda""".format(_UNIDADE),
    "vendas_por_ano": "select year(data) ano, id_unidade, filial, id_pais, pais, {} from venda group by all".format(_MEDIDAS),
    "vendas_por_unidade": """select f.*, {}, min(data) primeiro_pedido, max(data) ultimo_pedido
        from filial f left join (select id_unidade, data, status, valor, taxa from venda) using (id_unidade) group by all""".format(
        _MEDIDAS
    ),
    "vendas_por_pais": """select p.id_pais, p.nome pais, count(distinct f.id_unidade) unidades,
        count(distinct v.id_unidade) unidades_com_pedidos, {} from pais p left join filial f on f.id_pais = p.id_pais
        left join (select id_unidade, status, valor, taxa from venda) v on v.id_unidade = f.id_unidade group by all""".format(_MEDIDAS),
    "vendas_por_produto": """select p.id_produto, p.nome produto,
        count(distinct (v.id_unidade, v.data, v.id_pedido)) filter (status = 'Finalizado') pedidos, {}, {}, {},
        0 quantidade_indefinida, 0::decimal(18,2) valor_indefinido, coalesce(sum(qtd), 0)::bigint quantidade_total,
        coalesce(sum(valor_linha), 0)::decimal(18,2) valor_total, 0 quantidade_ambigua, min(vlr) preco_minimo,
        max(vlr) preco_maximo from produto p left join venda_produto v using (id_produto) group by all""".format(
        _do_status("Finalizado", "quantidade", "valor_itens"),
        _do_status("Pendente", "quantidade_pendente", "valor_pendente"),
        _do_status("Cancelado", "quantidade_cancelada", "valor_cancelado"),
    ),
    "ticket_medio": """select {}, strftime(data, '%Y-%m') mes, tipo, count(*) pedidos, sum(valor)::decimal(18,2) receita,
        round(sum(valor)::decimal(38,10) / count(*), 2)::decimal(12,2) ticket_medio from venda where status = 'Finalizado'
        group by all""".format(_UNIDADE),
    "cancelamentos": """select {}, strftime(data, '%Y-%m') mes, tipo, count(*) pedidos,
        count(*) filter (status = 'Cancelado') cancelados, sum(valor)::decimal(18,2) valor_pedidos,
        coalesce(sum(valor) filter (status = 'Cancelado'), 0)::decimal(18,2) valor_cancelado,
        round(count(*) filter (status = 'Cancelado') * 100.0 / count(*), 2)::decimal(5,2) percentual
        from venda group by all""".format(_UNIDADE),
    "ranking_produtos_unidade": """with somas as (
            select id_unidade, year(data) ano, id_produto, count(distinct (data, id_pedido)) pedidos,
                sum(qtd)::bigint quantidade, sum(valor_linha)::decimal(18,2) valor_itens
            from venda_produto where status = 'Finalizado' group by all),
        postos as (select *, sum(valor_itens) over u total, row_number() over (partition by id_unidade, ano
                order by quantidade desc, valor_itens desc, id_produto) posicao
            from somas window u as (partition by id_unidade, ano))
        select id_unidade, filial, ano, posicao, id_produto, p.nome produto, pedidos, quantidade, valor_itens,
            round(valor_itens * 100 / total, 2)::decimal(5,2) participacao
        from postos join filial using (id_unidade) join produto p using (id_produto) where posicao <= 10""",
    "qualidade_unidades": """
        with dia as (select distinct data_pasta::date as data from arquivo where data_pasta is not null),
        v as (select data, id_unidade, count(*) pedidos, sum(itens) itens, sum(valor) valor_pedidos,
            sum(valor_itens) valor_itens, sum(taxa) taxa, sum(valor - valor_itens - taxa) diferenca,
            count(*) filter (valor <> valor_itens + taxa) divergentes from venda group by all),
        r as (select data_pasta as data, unidade_pasta id_unidade, count(*) filter (t = 'p') rp, count(*) filter (t = 'i') ri
            from (select data_pasta, unidade_pasta, 'p' t from pedido where motivo is not null union all
                select data_pasta, unidade_pasta, 'i' from item_pedido where motivo is not null) group by all),
        a as (select data_pasta::date as data, unidade_pasta id_unidade, bool_or(tabela = 'pedido' and tamanho > 0) chegou,
            max(modificado) recebido from arquivo where unidade_pasta is not null group by all)
        select data, id_unidade, filial, coalesce(chegou, false) enviou, coalesce(pedidos, 0) pedidos,
            coalesce(itens, 0)::bigint itens, coalesce(rp, 0) pedidos_recusados, coalesce(ri, 0) itens_recusados,
            coalesce(valor_pedidos, 0)::decimal(18,2) valor_pedidos, coalesce(v.valor_itens, 0)::decimal(18,2) valor_itens,
            coalesce(taxa, 0)::decimal(18,2) taxa_entrega, coalesce(diferenca, 0)::decimal(18,2) diferenca,
            coalesce(divergentes, 0) pedidos_divergentes, to_timestamp(recebido / 1000) at time zone 'UTC' recebido_em,
            round((recebido / 1000 - epoch(data + interval 1 day) - 3 * 3600) / 3600.0, 2)::decimal(10,2) atraso_horas
        from dia cross join filial left join v using (data, id_unidade) left join r using (data, id_unidade)
            left join a using (data, id_unidade)""",
    "qualidade_arquivos": """select a.data_pasta::date as data, a.unidade_pasta id_unidade, a.tabela, arquivo, lidas,
            count(l.arquivo) filter (l.motivo is null) aceitas, count(l.motivo) recusadas
        from arquivo a left join (select arquivo, motivo from pedido union all select arquivo, motivo from item_pedido) l
            using (arquivo) where a.unidade_pasta is not null group by all""",
}  # fmt: skip
