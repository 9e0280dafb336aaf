"""Measures mrhealth against Terraform, side by side in one run, and says whether the aims are met.

    make bench                                  or: .venv/bin/python3 Benchmarks/run.py [--quick]

Builds nothing: takes .build/release/mrhealth, or what MRHEALTH names. Terraform's side needs `terraform` on the PATH
and MRHEALTH_TF_MIRROR (or --tf-mirror), a filesystem mirror with the AWS provider; without them it is skipped.
Each side has an embedded AWS of its own, fresh, on loopback. Whole processes are measured: wall time, CPU of the
process and its children, and peak memory: the exact high-water mark of mrhealth's one process (see peak.py), and of
Terraform, which is several, the greatest sum of their resident sets seen every 10 ms.
"""
import argparse
import contextlib
import datetime
import json
import os
import platform
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "Benchmarks"
STACK = ROOT / "stacks" / "mrhealth"
BINARY = Path(os.environ.get("MRHEALTH", ROOT / ".build" / "release" / "mrhealth")).resolve()
MB = 1e6
PAGE = os.sysconf("SC_PAGE_SIZE")
UPLOAD_STACK = """\
stack: mrhealth-bench
version: 1
region: us-east-2
state: s3.bucket.lake
buckets:
  lake:
    name: mrhealth-bench-${account}
uploads:
  big:
    bucket: ${s3.bucket.lake.name}
    from: files
    prefix: big/
"""


class Failed(Exception):
    """A measured program ended otherwise than it should: no figure of this run can be trusted."""


# MARK: measuring


@dataclass
class Sample:
    wall: float
    cpu: float
    peak: float = 0


@dataclass
class Series:
    samples: list[Sample] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.samples)

    def values(self, name: str) -> list[float]:
        return [getattr(sample, name) for sample in self.samples if getattr(sample, name)]

    def median(self, name: str) -> float:
        return statistics.median(self.values(name))


def children(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    return found


def resident(pid: int) -> int:
    """Bytes resident in a process and all that came from it."""
    total = 0
    with contextlib.suppress(OSError):
        total = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return total + sum(resident(child) for child in children(pid))


def timed(arguments: list, environment: dict, folder: Path, tree: bool = False) -> Sample:
    """One run. `tree` also samples the memory of the process and its children."""
    log = folder / "last.log"
    peak = 0
    with open(log, "wb") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in arguments], env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
            stderr=output)
        descriptor = os.pidfd_open(process.pid)
        while not select.select([descriptor], [], [], 0.01 if tree else None)[0]:
            peak = max(peak, resident(process.pid))
        wall = time.perf_counter() - begun
        os.close(descriptor)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"{' '.join(map(str, arguments))}: exit {process.returncode}\n{log.read_text()[-3000:]}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, peak)


def peak(arguments: list, environment: dict, folder: Path) -> Sample:
    """One run with its exact peak memory."""
    log = folder / "last.log"
    log.unlink(missing_ok=True)
    answer = subprocess.run(
        [sys.executable, HERE / "peak.py", log, *arguments], env=environment, cwd=folder, capture_output=True,
        text=True, check=False)
    if answer.returncode != 0:
        raise Failed(f"peak.py: {answer.stderr}")
    result = json.loads(answer.stdout)
    if result["status"] != 0:
        raise Failed(f"{' '.join(map(str, arguments))}: exit {result['status']}\n{log.read_text()[-3000:]}")
    return Sample(result["wall"], 0, result["peak"])


def series(count: int, arguments: list, environment: dict, folder: Path, warm: int = 0) -> Series:
    """Time and peak of one of our commands, measured apart: tracing is not free."""
    for _ in range(warm):
        timed(arguments, environment, folder)
    samples = []
    for _ in range(count):
        sample = timed(arguments, environment, folder)
        sample.peak = peak(arguments, environment, folder).peak
        samples.append(sample)
    return Series(samples)


# MARK: the two sides


class Cloud:
    """An embedded AWS, fresh."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True)
        self.log = open(folder / "server.log", "wb")
        self.server = subprocess.Popen(
            [sys.executable, "-m", "mrhealth_local", "serve", "--dir", folder / "aws", "--cache", folder / "cache"],
            env={**os.environ, "PYTHONPATH": str(ROOT / "local")}, stdout=self.log, stderr=self.log)
        file = folder / "aws" / "endpoint.json"
        until = time.monotonic() + 60
        while not file.exists():
            if self.server.poll() is not None or time.monotonic() > until:
                raise Failed(f"the embedded AWS did not start\n{(folder / 'server.log').read_text()[-3000:]}")
            time.sleep(0.05)
        self.endpoint = json.loads(file.read_text())
        self.url = self.endpoint["endpoint"]
        # It loads its services in the background; who comes first must not pay for that.
        while "services loaded" not in (folder / "aws" / "log.txt").read_text() and time.monotonic() < until:
            time.sleep(0.1)

    def admin(self, method: str, path: str, body: dict) -> None:
        request = urllib.request.Request(
            f"{self.url}/_local/{path}", method=method, data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=30).close()

    def configure(self, **values) -> None:
        self.admin("PUT", "config", values)

    def confirm(self) -> None:
        """Follows the link in the mail: an unconfirmed subscription cannot be deleted."""
        self.admin("POST", "subscriptions/confirm", {})

    def environment(self, **more: str) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MRHEALTH_", "TF_"))}
        return {
            **clean, "HOME": str(self.folder), "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.endpoint["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self.endpoint["secret_access_key"],
            "AWS_EC2_METADATA_DISABLED": "true", **more,
        }

    @contextlib.contextmanager
    def counted(self):
        """A proxy before it that counts; yields its URL and a function that says how many requests there were."""
        proxy = subprocess.Popen(
            [sys.executable, ROOT / "Tests" / "Support" / "strict_proxy.py", "--listen", "127.0.0.1:0",
             "--upstream", self.url, "--key",
             f"{self.endpoint['access_key_id']}={self.endpoint['secret_access_key']}", "--lax-signature",
             "--no-moto-fixes", "--open-path", "/_local/,/moto-api/", "--aws-host", ""],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        try:
            url = "http://" + json.loads(proxy.stdout.readline())["listening"]

            def count() -> list[dict]:
                with urllib.request.urlopen(url + "/__strict__/log?since=0", timeout=30) as answer:
                    return json.load(answer)

            yield url, count
        finally:
            proxy.send_signal(signal.SIGTERM)
            proxy.wait(timeout=30)

    def stop(self) -> None:
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(timeout=30)
        self.log.close()


def entries(answer) -> list[dict]:
    return answer["log"] if isinstance(answer, dict) and "log" in answer else answer


class Ours:
    name = "mrhealth"

    def __init__(self, folder: Path):
        self.cloud = Cloud(folder)
        self.folder = folder
        self.environment = self.cloud.environment()

    def command(self, *words: str) -> list:
        return [BINARY, "--stack", STACK, *words]

    plan = property(lambda self: self.command("plan", "--detailed-exitcode"))
    apply = property(lambda self: self.command("up", "--yes"))
    destroy = property(lambda self: self.command(
        "destroy", "--yes", "--purge", "--confirm", f"mrhealth-terraform-{self.cloud.endpoint['account']}"))

    def at(self, url: str) -> dict[str, str]:
        return {**self.environment, "AWS_ENDPOINT_URL": url}

    def once(self, words: list) -> Sample:
        return timed(words, self.environment, self.folder, tree=True)


class Theirs:
    name = "terraform"

    def __init__(self, folder: Path, mirror: Path):
        self.cloud = Cloud(folder)
        # The embedded AWS refuses the empty ServiceAccessSecurityGroup that it sends with RunJobFlow, and removing
        # the rules that EMR adds to the groups fails on moto. Less work for Terraform, if anything.
        self.cloud.configure(validate=False, managed_group_rules=False)
        self.folder = folder / "configuration"
        shutil.copytree(HERE / "terraform", self.folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        settings = folder / "terraform.rc"
        settings.write_text(
            f'disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n')
        self.environment = {
            **self.cloud.environment(), "TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1",
            "TF_VAR_endpoint": self.cloud.url, "TF_VAR_stack": str(STACK),
        }
        self.once([TERRAFORM, "init", "-input=false", "-no-color"])

    plan = property(lambda self: [TERRAFORM, "plan", "-input=false", "-no-color", "-detailed-exitcode"])
    apply = property(lambda self: [TERRAFORM, "apply", "-input=false", "-no-color", "-auto-approve"])
    destroy = property(lambda self: [TERRAFORM, "destroy", "-input=false", "-no-color", "-auto-approve"])

    def at(self, url: str) -> dict[str, str]:
        return {**self.environment, "AWS_ENDPOINT_URL": url, "TF_VAR_endpoint": url}

    def once(self, words: list) -> Sample:
        return timed(words, self.environment, self.folder, tree=True)


TERRAFORM = shutil.which("terraform")


def requests(side) -> int:
    with side.cloud.counted() as (url, log):
        timed(side.plan, side.at(url), side.folder)
        return len(entries(log()))


# MARK: the measurements


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


def version(folder: Path, count: int, theirs: bool) -> Row:
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    row = Row("--version", series(count, [BINARY, "--version"], environment, folder, warm=3))
    if theirs:
        row.theirs = series(max(3, count // 3), [TERRAFORM, "--version"], environment, folder, warm=1)
    row.below("wall", 0.010, "under 10 ms")
    row.below("peak", 12 * MB, "under 12 MB")
    return row


def stacks(folder: Path, count: int, mirror: Path | None) -> tuple[list[Row], dict[str, int]]:
    sides = [Ours(folder / "ours")] + ([Theirs(folder / "theirs", mirror)] if mirror else [])
    try:
        apply, plan, destroy = ({side.name: [] for side in sides} for _ in range(3))
        for side in sides:
            note(f"{side.name}: apply")
            apply[side.name].append(side.once(side.apply))
        for turn in range(count):
            for side in sides:
                note(f"{side.name}: no-op plan {turn + 1} of {count}")
                if isinstance(side, Ours):
                    # Several for each of Terraform's, which takes as long as all of them.
                    plan[side.name] += series(3, side.plan, side.environment, side.folder, warm=turn == 0).samples
                else:
                    plan[side.name].append(side.once(side.plan))
        counts = {}
        for side in sides:
            note(f"{side.name}: requests of a no-op plan")
            counts[side.name] = requests(side)
        for side in sides:
            note(f"{side.name}: destroy")
            side.cloud.confirm()
            destroy[side.name].append(side.once(side.destroy))
    finally:
        for side in sides:
            side.cloud.stop()
    rows = [
        Row(what, Series(found["mrhealth"]), Series(found.get("terraform", [])))
        for what, found in (("no-op plan", plan), ("up / apply", apply), ("destroy", destroy))
    ]
    if mirror:
        for name in ("wall", "peak"):
            rows[0].below(name, rows[0].theirs.median(name) / 20, "under 1/20 of Terraform's")
    return rows, counts


def upload(folder: Path, mebibytes: int) -> Row:
    """A file that cannot be compressed or be a hole, to the embedded AWS or to MRHEALTH_BENCH_S3, a faster S3."""
    cloud = Cloud(folder / "upload")
    try:
        stack = folder / "upload" / "stack"
        (stack / "files").mkdir(parents=True)
        (stack / "stack.yaml").write_text(UPLOAD_STACK)
        with open(stack / "files" / "big.bin", "wb") as file:
            for _ in range(mebibytes // 8):
                file.write(os.urandom(8 << 20))
        other = os.environ.get("MRHEALTH_BENCH_S3")
        environment = cloud.environment(**({"AWS_ENDPOINT_URL_S3": other} if other else {}))
        note(f"upload of {mebibytes} MiB")
        row = Row(f"upload of {mebibytes} MiB", Series(
            [peak([BINARY, "--stack", stack, "up", "--yes"], environment, cloud.folder)]))
        row.below("peak", 64 * MB, "under 64 MB")
        return row
    finally:
        cloud.stop()
        shutil.rmtree(folder / "upload", ignore_errors=True)


# MARK: the report


def note(text: str) -> None:
    print(f"... {text}", file=sys.stderr, flush=True)


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


def report(rows: list[Row], counts: dict[str, int], versions: list[str], skipped: list[str]) -> str:
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    parts = ["# Results", f"Written by `Benchmarks/run.py` on {day}; medians (least to greatest) of whole processes.",
             "\n".join(f"- {line}" for line in [machine(), *versions])]
    parts.append(markdown(table(rows)))
    if counts:
        parts.append("Requests of a no-op plan: " + ", ".join(f"{name} {count}" for name, count in counts.items()) + ".")
    parts += [f"Not measured: {line}" for line in skipped]
    parts.append(
        "Terraform's state is a local file; mrhealth's is in the bucket and part of every figure. Both sides ran in\n"
        "turns, each with an embedded AWS of its own. The machine was shared: ratios say more than times.")
    return "\n\n".join(parts) + "\n"


def terraform_mirror(given: str | None, skipped: list[str]) -> Path | None:
    """The provider's mirror; None, with the reason noted, when the comparison cannot be made."""
    if not TERRAFORM:
        reason = "terraform is not on the PATH"
    elif not given:
        reason = "MRHEALTH_TF_MIRROR does not name a filesystem mirror with the provider hashicorp/aws"
    elif not provider(Path(given)):
        reason = f"the mirror {given} has no provider hashicorp/aws"
    else:
        return Path(given).resolve()
    skipped.append(f"Terraform's side: {reason}.")
    print(f"SKIPPED: {skipped[-1]}", file=sys.stderr)
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures mrhealth against Terraform.")
    parser.add_argument("--quick", action="store_true", help="few runs and a small upload; RESULTS.md is left alone")
    parser.add_argument("--runs", type=int, help="no-op plans of Terraform (default: 5, quick: 1)")
    parser.add_argument("--only", choices=["version", "stack", "upload"], action="append", help="only this part")
    parser.add_argument("--tf-mirror", default=os.environ.get("MRHEALTH_TF_MIRROR"), metavar="FOLDER")
    options = parser.parse_args()
    if not BINARY.exists():
        print(f"{BINARY} does not exist: run `make release`, or name a binary with MRHEALTH.", file=sys.stderr)
        return 1
    parts = options.only or ["version", "stack", "upload"]
    rows: list[Row] = []
    counts: dict[str, int] = {}
    skipped: list[str] = []
    mirror = terraform_mirror(options.tf_mirror, skipped)
    versions = [f"mrhealth {first_line([BINARY, '--version'])}, {BINARY.stat().st_size / MB:.1f} MB"]
    if mirror:
        versions.append(f"{first_line([TERRAFORM, '--version'])}, provider hashicorp/aws {provider(mirror)}")
    with tempfile.TemporaryDirectory(prefix="mrhealth-bench-") as name:
        folder = Path(name)
        try:
            if "version" in parts:
                rows.append(version(folder, 10 if options.quick else 40, TERRAFORM is not None))
            if "stack" in parts:
                more, counts = stacks(folder, options.runs or (1 if options.quick else 5), mirror)
                rows += more
            if "upload" in parts:
                rows.append(upload(folder, 256 if options.quick else 2048))
        except Failed as failure:
            print(f"error: {failure}", file=sys.stderr)
            return 1
    print(plain(table(rows)))
    for side, count in counts.items():
        print(f"requests of a no-op plan, {side}: {count}")
    if not options.quick and not options.only:
        (HERE / "RESULTS.md").write_text(report(rows, counts, versions, skipped))
    held = [holds for row in rows for _, holds in row.aims.values()]
    print(f"{sum(held)} of {len(held)} aims met")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
