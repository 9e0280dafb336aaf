"""``spark-submit`` called from a script inside a step: the mirror is brought up to date before and after, since the
script may have used ``aws s3`` meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from .emr import spark
from .emr.mirror import is_s3, local_path, split_uri


def main(arguments: list[str]) -> int:
    conf = Path(os.environ["MRHEALTH_CONF"])
    buckets = _mirror("pull")["buckets"]
    settings = spark.Settings(**json.loads((conf / "submit.json").read_text(encoding="utf-8")))
    settings.buckets = buckets
    if settings.archive and not os.path.exists(settings.archive):
        settings.archive = None

    with tempfile.TemporaryDirectory() as folder:

        def local(uri: str) -> str:
            if not is_s3(uri):
                return uri.removeprefix("file://")
            bucket, key = split_uri(uri)
            path = local_path(Path(buckets[bucket]), key) if bucket in buckets else None
            if path is None or not path.is_file():
                raise FileNotFoundError(uri)
            return str(shutil.copy(path, Path(folder, path.name)))

        try:
            submission = spark.submit(arguments, settings, local)
        except FileNotFoundError as error:
            print(f"java.io.FileNotFoundException: No such file or directory '{error.args[0]}'", file=sys.stderr)
            return 1
        environment = {**os.environ, "PYTHONPATH": os.environ.get("MRHEALTH_JOB_PYTHONPATH", "")}
        try:
            return subprocess.run(submission.command, env=environment, check=False).returncode
        finally:
            _mirror("push")


def _mirror(direction: str) -> dict[str, dict[str, str]]:
    request = urllib.request.Request(f"{os.environ['AWS_ENDPOINT_URL']}/_local/mirror/{direction}", method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as answer:
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
