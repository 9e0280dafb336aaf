"""The figures as a table, for people and for RESULTS.md."""
import contextlib
import datetime
import os
import platform
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from measuring import MB, PAGE, Series


@dataclass
class Row:
    what: str
    ours: Series
    theirs: Series = field(default_factory=Series)
    #: figure (`wall` or `peak`) -> (what it is held to, in words; whether it holds)
    aims: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def below(self, name: str, limit: float, text: str) -> None:
        self.aims[name] = (text, self.ours.median(name) < limit)

    def ratio(self, name: str) -> float | None:
        return self.theirs.median(name) / self.ours.median(name) if self.theirs else None


def seconds(value: float) -> str:
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def megabytes(value: float) -> str:
    return f"{value / MB:.1f} MB"


FIGURES = [("wall", "wall time", seconds), ("cpu", "CPU time", seconds), ("peak", "peak memory", megabytes)]


def table(rows: list[Row]) -> list[list[str]]:
    lines = [["what", "figure", "mrhealth", "terraform", "ratio", "aim", ""]]
    for row in rows:
        for name, words, text in FIGURES:
            if not row.ours.values(name):
                continue

            def cell(data: Series) -> str:
                values = data.values(name) if data else []
                if not values:
                    return "-"
                spread = f" ({text(min(values))} to {text(max(values))})" if len(values) > 1 else ""
                return text(statistics.median(values)) + spread

            ratio = row.ratio(name) if row.theirs and row.theirs.values(name) else None
            aim, holds = row.aims.get(name, ("", None))
            lines.append([
                row.what, words, cell(row.ours), cell(row.theirs), f"{ratio:.1f}" if ratio else "-", aim,
                "" if holds is None else "pass" if holds else "FAIL"])
    return lines


def plain(lines: list[list[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def markdown(lines: list[list[str]]) -> str:
    rows = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([rows[0], "|" + " --- |" * len(lines[0]), *rows[1:]])


def machine() -> str:
    processor = "unknown processor"
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                processor = line.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PHYS_PAGES") * PAGE / 2**30
    return f"{os.cpu_count()} cores ({processor}), {memory:.0f} GiB, Linux {platform.release()}"


def first_line(arguments: list) -> str:
    answer = subprocess.run(arguments, capture_output=True, text=True, check=False, env={
        **os.environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull})
    return answer.stdout.splitlines()[0] if answer.stdout else "?"


def provider(mirror: Path) -> str:
    found = sorted(path.name for path in mirror.glob("*/hashicorp/aws/[0-9]*") if path.is_dir())
    found += sorted(path.stem.split("_")[1] for path in mirror.glob("*/hashicorp/aws/*.zip"))
    return found[-1] if found else ""


def report(rows: list[Row], counts: dict[str, str], versions: list[str], skipped: list[str]) -> str:
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    parts = ["# Results", f"Written by `Benchmarks/run.py` on {day}; medians (least to greatest) of whole processes.",
             "\n".join(f"- {line}" for line in [machine(), *versions])]
    parts.append(markdown(table(rows)))
    if counts:
        parts.append("Requests:\n\n" + "\n".join(f"- {what}: {count}" for what, count in counts.items()))
    parts += [f"Not measured: {line}" for line in skipped]
    parts.append(
        "Terraform's state is a local file; mrhealth's is in the bucket and part of every figure. Both sides ran in\n"
        "turns, each with an embedded AWS of its own. The machine was shared: ratios say more than times.")
    return "\n\n".join(parts) + "\n"
