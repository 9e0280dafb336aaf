"""The lake from day to day: two days, a correction of the first on the second, a rerun, a period."""
import sys
from pathlib import Path

from conftest import STACK
from test_main_job import LAKE, check_gold, objects, table

sys.path.insert(0, str(STACK / "tools"))
from gerar_vendas import gerar  # noqa: E402

FIRST, SECOND = "2024-11-19", "2024-11-20"


def parts(cloud) -> dict:
    """When each file of the daily sales of the first day was written."""
    return {item.key: item.last_modified for item in objects(cloud, LAKE, f"dados/gold/vendas_diarias/data={FIRST}/")}


def test_two_days_a_correction_and_a_rerun(cloud, tool, tmp_path):
    whole, sent = tmp_path / "whole", tmp_path / "sent" / "dados/silver/csv"
    gerar(whole, unidades=2, dias=2, inicio=FIRST, semente=5)
    source = whole / "dados/silver/csv"

    def send(pattern: str, change=lambda text: text):
        for file in sorted(source.glob(pattern)):
            target = sent / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(change(file.read_bytes()))

    def run(*period: str) -> dict:
        steps = ("--step", "silver", "--step", "gold")
        record = tool("run", *period, "--data", str(sent), *steps, "--json", timeout=600).json
        assert record["outcome"] == "succeeded"
        check_gold(cloud, sent)
        return record

    tool("up", "--yes")
    send("referencia/*.csv")
    send(f"unidade=*/data={FIRST}/*.csv")
    run("--date", FIRST)
    before = parts(cloud)
    assert before and not table(cloud, "vendas_diarias") == []

    # The second day brings the first unit's first day once more, corrected.
    send(f"unidade=*/data={SECOND}/*.csv")
    send(f"unidade=1/data={FIRST}/PEDIDO.csv", lambda text: text.replace(b"Finalizado", b"Cancelado", 1))
    run("--date", SECOND)
    corrected = parts(cloud)
    assert corrected.keys() == before.keys() and corrected != before

    # Again nothing has changed: the first day's files are not even written.
    run("--date", SECOND)
    assert parts(cloud) == corrected

    record = run("--from", FIRST, "--to", SECOND)
    assert (record["from"], record["date"]) == (FIRST, SECOND)
