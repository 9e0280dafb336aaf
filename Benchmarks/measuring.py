"""Whole processes measured, and the two sides that are compared, each with an embedded AWS of its own.

Wall time, CPU of the process and its children, and peak memory: the exact high-water mark of mrhealth's one process
(see peak.py), and of Terraform, which is several, the greatest sum of their resident sets seen every 10 ms.
"""
import contextlib
import json
import os
import select
import shutil
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "Benchmarks"
STACK = ROOT / "stacks" / "mrhealth"
BINARY = Path(os.environ.get("MRHEALTH", ROOT / ".build" / "release" / "mrhealth")).resolve()
TERRAFORM = shutil.which("terraform")
MB = 1e6
PAGE = os.sysconf("SC_PAGE_SIZE")


def note(text: str) -> None:
    print(f"... {text}", file=sys.stderr, flush=True)


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
    def counted(self, latency_ms: int = 0):
        """A proxy before it that counts, and answers that much later; yields its URL and a function that says how many
        requests there have been since it was last asked."""
        proxy = subprocess.Popen(
            [sys.executable, ROOT / "Tests" / "Support" / "strict_proxy.py", "--listen", "127.0.0.1:0",
             "--upstream", self.url, "--key",
             f"{self.endpoint['access_key_id']}={self.endpoint['secret_access_key']}", "--lax-signature",
             "--no-moto-fixes", "--open-path", "/_local/,/moto-api/", "--aws-host", ""],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        try:
            url = "http://" + json.loads(proxy.stdout.readline())["listening"]

            def ask(method: str, path: str, body: dict | None = None) -> dict:
                request = urllib.request.Request(
                    f"{url}/__strict__/{path}", method=method, headers={"Content-Type": "application/json"},
                    data=json.dumps(body).encode() if body is not None else None)
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.load(answer)

            seen = 0

            def count() -> int:
                nonlocal seen
                before, seen = seen, ask("GET", "status")["requests"]
                return seen - before

            if latency_ms:
                ask("PUT", "config", {"latency_ms": latency_ms})
            yield url, count
        finally:
            proxy.send_signal(signal.SIGTERM)
            proxy.wait(timeout=30)

    def stop(self) -> None:
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(timeout=30)
        self.log.close()


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

    def once(self, words: list, environment: dict | None = None) -> Sample:
        return timed(words, environment or self.environment, self.folder, tree=True)


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

    def once(self, words: list, environment: dict | None = None) -> Sample:
        return timed(words, environment or self.environment, self.folder, tree=True)


def requests(side) -> int:
    with side.cloud.counted() as (url, count):
        timed(side.plan, side.at(url), side.folder)
        return count()
