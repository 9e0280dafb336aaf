"""Runs every suite of `make test`, one after the other, and ends with the count of all their tests.

A suite that cannot even start counts as one failure; the others still run.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable

SUITES = [
    ("format", ["swift", "format", "lint", "--strict", "--recursive", "Package.swift", "Sources", "Tests"]),
    ("build", ["swift", "build", "--build-tests"]),
    ("unit tests", ["swift", "test", "--skip-build"]),
    ("embedded AWS", [PYTHON, "-m", "pytest", "-q", "local/tests"]),
    ("pipeline", [PYTHON, "-m", "pytest", "-q", "stacks/mrhealth/tests"]),
    ("end to end", [PYTHON, "-m", "pytest", "-q", "Tests/EndToEndTests"]),
]

# How each runner closes. Swift prints one line for XCTest (always empty here) and one for Swift Testing.
SWIFT = re.compile(r"Test run with (\d+) tests?(?: in \d+ suites?)? (passed|failed)(?:.* with (\d+) issues?)?")
SWIFT_FAILED = re.compile(r"^✘ Test (?!run with|case )\S.* failed after", re.MULTILINE)
PYTEST = {word: re.compile(rf"(\d+) {word}") for word in ("passed", "failed", "error", "skipped")}


def counts(output: str) -> tuple[int, int, int]:
    """Passed, failed and skipped tests of one suite's output."""
    passed = failed = skipped = 0
    for match in SWIFT.finditer(output):
        bad = len(SWIFT_FAILED.findall(output)) if match[2] == "failed" else 0
        passed += int(match[1]) - bad
        failed += bad
    lines = [line for line in output.splitlines() if re.search(r"\d+ (passed|failed|error|skipped).* in [\d.]+s", line)]
    for line in lines[-1:]:
        found = {word: int(m[1]) if (m := pattern.search(line)) else 0 for word, pattern in PYTEST.items()}
        passed += found["passed"]
        failed += found["failed"] + found["error"]
        skipped += found["skipped"]
    return passed, failed, skipped


def run(name: str, command: list[str]) -> tuple[int, int, int]:
    print(f"\n== {name}: {' '.join(command).replace(PYTHON, 'python3')}", flush=True)
    # Swift Testing writes some lines for every test; only what failed is worth reading.
    quiet = command[:2] == ["swift", "test"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = []
    for line in process.stdout:
        output.append(line)
        if not quiet or line.startswith("✘") or "error:" in line or "Test run with" in line:
            print(line, end="", flush=True)
    status = process.wait()
    if quiet and status != 0:
        print("".join(output[-40:]))
    passed, failed, skipped = counts("".join(output))
    if status != 0 and failed == 0:
        failed = 1
    return passed, failed, skipped


def main() -> int:
    totals = [0, 0, 0]
    wanted = sys.argv[1:]
    for name, command in SUITES:
        if wanted and name not in wanted:
            continue
        result = run(name, command)
        totals = [total + count for total, count in zip(totals, result)]
        if result[1] and name == "build":
            break
    print(f"\n{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main())
