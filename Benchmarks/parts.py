"""What is measured, part by part."""
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

from measuring import BINARY, HERE, MB, STACK, TERRAFORM, Cloud, Ours, Sample, Series, Theirs, note, peak, requests, series, timed
from report import Row

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


def version(folder: Path, count: int, theirs: bool) -> Row:
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    row = Row("--version", series(count, [BINARY, "--version"], environment, folder, warm=3))
    if theirs:
        row.theirs = series(max(3, count // 3), [TERRAFORM, "--version"], environment, folder, warm=1)
    row.below("wall", 0.010, "under 10 ms")
    row.below("peak", 12 * MB, "under 12 MB")
    return row


def stacks(folder: Path, count: int, mirror: Path | None) -> tuple[list[Row], dict[str, str]]:
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
        counts = []
        for side in sides:
            note(f"{side.name}: requests of a no-op plan")
            counts.append(f"{side.name} {requests(side)}")
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
    return rows, {"no-op plan": ", ".join(counts)}


def distance(folder: Path, milliseconds: int, count: int, mirror: Path | None) -> tuple[list[Row], dict[str, str]]:
    """The same three commands with so much time between a request and its answer, and an EMR that is ready at once."""
    sides = [Ours(folder / "far-ours")] + ([Theirs(folder / "far-theirs", mirror)] if mirror else [])
    samples = {what: {side.name: [] for side in sides} for what in ("up / apply", "no-op plan", "destroy")}
    calls: dict[str, str] = {}
    try:
        for side in sides:
            side.cloud.configure(starting_seconds=0, bootstrapping_seconds=0, terminating_seconds=0)
            with side.cloud.counted(milliseconds) as (url, counted):
                def run(what: str, words: list, times: int = 1) -> None:
                    note(f"{side.name}: {what} at {milliseconds} ms")
                    for _ in range(times):
                        samples[what][side.name].append(side.once(words, side.at(url)))
                    calls[what] = calls.get(what, "") + f"{side.name} {counted() // times}, "

                run("up / apply", side.apply)
                run("no-op plan", side.plan, count)
                side.cloud.confirm()
                run("destroy", side.destroy)
    finally:
        for side in sides:
            side.cloud.stop()
    rows = [
        Row(f"{what} at {milliseconds} ms", Series(found["mrhealth"]), Series(found.get("terraform", [])))
        for what, found in samples.items()
    ]
    if milliseconds == 50:
        for row, limit in zip(rows, (1.5, 0.6, 1.5)):
            row.below("wall", limit, f"at most {limit} s")
    return rows, {f"{what} at {milliseconds} ms": text.rstrip(", ") for what, text in calls.items()}


def objects(folder: Path, counts: list[int]) -> tuple[list[Row], dict[str, str]]:
    """So many uploaded files of 1 KiB, against an S3 that costs next to nothing (see sink.py)."""
    cloud = Cloud(folder / "objects")
    sink = subprocess.Popen(
        [sys.executable, HERE / "sink.py"], stdout=subprocess.PIPE, text=True)
    rows, calls = [], {}
    try:
        url = "http://" + json.loads(sink.stdout.readline())["listening"]
        environment = cloud.environment(AWS_ENDPOINT_URL_S3=url)

        def asked() -> int:
            with urllib.request.urlopen(url + "/__stats", timeout=30) as answer:
                return json.load(answer)["requests"]

        # The first time is not counted: the embedded AWS loads a service when it is first asked.
        for count in [10, *counts]:
            stack = folder / "objects" / f"stack-{count}"
            (stack / "files").mkdir(parents=True)
            name = f"mrhealth-bench-{count}"
            (stack / "stack.yaml").write_text(UPLOAD_STACK.replace("mrhealth-bench", name))
            for number in range(count):
                if number % 1000 == 0:
                    (stack / "files" / f"{number // 1000:03}").mkdir()
                (stack / "files" / f"{number // 1000:03}" / f"{number:06}.txt").write_text(f"{number:<1024}")
            note(f"{count} objects")

            def command(*words: str) -> Sample:
                return peak([BINARY, "--stack", stack, *words], environment, cloud.folder)

            up = Row(f"up of {count} objects", Series([command("up", "--yes")]))
            asked()
            plan = Row(f"no-op plan of {count} objects", Series([command("plan", "--detailed-exitcode") for _ in range(5)]))
            # And one to STS, which is not asked here.
            calls[f"no-op plan of {count} objects"] = f"mrhealth {asked() // 5 + 1}"
            destroy = Row(f"destroy of {count} objects", Series(
                [command("destroy", "--yes", "--purge", "--confirm", f"{name}-{cloud.endpoint['account']}")]))
            if count == 1000:
                plan.below("wall", 0.5, "at most 0.5 s")
            if count == 5000:
                up.below("wall", 3, "at most 3 s")
            if count > 10:
                rows += [up, plan, destroy]
            else:
                calls.clear()
            shutil.rmtree(stack)
        return rows, calls
    finally:
        sink.terminate()
        sink.wait(timeout=30)
        cloud.stop()


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
