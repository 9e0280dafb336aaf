"""Every crash point: `make test-crash`.

For each request that `up`, `destroy` and `run` send, the process is killed before the request is forwarded, and once more
after it was carried out and before its answer arrives; then the next command must settle it (Tests/EndToEndTests/crash.py
says what that means). Takes some 4 s a point. Writes what was found to docs/crash-points.md.

    .venv/bin/python3 Tests/crash_points.py [--command up] [--every N] [--no-report]
"""
import argparse
import datetime
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "EndToEndTests"))
from conftest import Cloud  # noqa: E402
from crash import COMMANDS, CrashBench, Point  # noqa: E402


@dataclass
class Tally:
    points: int = 0
    failures: list[str] = field(default_factory=list)


def try_all(bench: CrashBench, command: str, moment: str, every: int) -> Tally:
    """The points of a command, until it ends before it comes to one."""
    tally = Tally()
    place = 1
    while True:
        point = Point(command, moment, place)
        began = time.monotonic()
        try:
            if not bench.try_point(point):
                return tally
            said = "ok"
        except Exception as problem:  # noqa: BLE001 (whatever it is, the other points are tried)
            said = f"FAILED: {problem}".splitlines()[0][:300]
            tally.failures.append(f"{point}: {said}")
            bench.reset()
        tally.points += 1
        print(f"{point}: {said} ({time.monotonic() - began:.1f} s)", flush=True)
        place += every


def report(tallies: dict[tuple[str, str], Tally], seconds: float) -> str:
    rows = [
        f"| `{' '.join(COMMANDS[command][:1])}` | {'before the request leaves' if moment == 'before' else 'before the answer arrives'}"
        f" | {tally.points} | {len(tally.failures)} |" for (command, moment), tally in tallies.items()]
    total = sum(tally.points for tally in tallies.values())
    failures = [line for tally in tallies.values() for line in tally.failures]
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    text = f"""# Crash points

Written by `make test-crash` on {day}, in {seconds / 60:.0f} minutes: {total} points, {len(failures)} failures.

At each point the process is killed with SIGKILL at one of its requests. Then the next command has to settle it with nobody's
help: after a killed `up` a second one completes, the next plan is empty, the whole account holds one of everything and
nothing else, and `destroy --purge` leaves nothing; a killed `destroy` is completed by a second one; after a killed `run` the
next run has one cluster, and no step was submitted twice. A spread of these points is part of `make test`.

| command | killed | points | failures |
| --- | --- | --- | --- |
"""
    return text + "\n".join(rows) + "\n" + "".join(f"\n- {line}" for line in failures) + ("\n" if failures else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--command", choices=list(COMMANDS), action="append")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth point")
    parser.add_argument("--no-report", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    tallies = {}
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mrhealth-crash-") as name:
        for command in options.command or COMMANDS:
            # A cloud for each command: it grows with every cluster that there ever was.
            folder = Path(name) / command
            (folder / "stack").mkdir(parents=True)
            cloud = Cloud(folder, cache)
            try:
                bench = CrashBench(cloud, folder / "stack")
                for moment in ("before", "after"):
                    tallies[command, moment] = try_all(bench, command, moment, options.every)
                    bench.reset()
            finally:
                cloud.stop()
    total = sum(tally.points for tally in tallies.values())
    failed = sum(len(tally.failures) for tally in tallies.values())
    if not options.no_report and not options.command and options.every == 1:
        (ROOT / "docs").mkdir(exist_ok=True)
        (ROOT / "docs" / "crash-points.md").write_text(report(tallies, time.monotonic() - began))
    print(f"{total - failed} passed, {failed} failed")
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main())
