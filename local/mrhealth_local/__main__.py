"""``python -m mrhealth_local serve --dir DIR`` and ``warm --cache DIR``; the contract is in the package's docstring."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from .config import ConfigError
from .server import Options, serve


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="mrhealth_local", description="The embedded AWS of mrhealth.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("serve", help="serve a folder in the foreground")
    command.add_argument(
        "--dir", required=True, type=Path, help="folder for the endpoint file, logs, mirror and clusters"
    )
    command.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    command.add_argument("--account", default="123456789012", help="the account's 12 digits")
    command.add_argument("--region", default="us-east-2")
    command.add_argument("--config", help="JSON file of settings (see mrhealth_local.config)")
    command.add_argument("--cache", type=Path, help="folder for Spark's class archive (default: DIR/cds)")
    warming = commands.add_parser("warm", help="make Spark's class archive ahead of time (serve makes it when idle)")
    warming.add_argument("--cache", required=True, type=Path, help="the folder given to serve --cache")
    given = parser.parse_args(arguments)
    if given.command == "warm":
        return warm(given.cache)
    if not re.fullmatch(r"\d{12}", given.account):
        parser.error(f"--account must be 12 digits, not {given.account!r}")
    if not 0 <= given.port <= 65535:
        parser.error(f"--port must be between 0 and 65535, not {given.port}")
    options = Options(given.dir, given.port, given.account, given.region, given.config, given.cache)
    try:
        return serve(options)
    except ConfigError as error:
        print(f"mrhealth_local: {error}", file=sys.stderr)
        return 64
    except OSError as error:
        print(f"mrhealth_local: {error}", file=sys.stderr)
        return 1


def warm(cache: Path) -> int:
    from .emr.archive import Archive

    cache.mkdir(parents=True, exist_ok=True)
    made = Archive(cache.resolve()).make()
    print("Spark's class archive is ready" if made else "Spark's class archive could not be made", file=sys.stderr)
    return 0 if made else 1


if __name__ == "__main__":
    sys.exit(main())
