"""Processes of bootstrap actions and steps, each under a guard (see ``guard``)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_GUARD = Path(__file__).resolve().parent.parent / "guard.py"


class Process:
    """One running command; ``wait`` for its exit status, ``stop`` it from any thread."""

    def __init__(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdout: Path, stderr: Path
    ) -> None:
        control, self._orders = os.pipe()
        self._lock = threading.Lock()
        os.set_inheritable(control, True)
        try:
            with open(stdout, "ab") as out, open(stderr, "ab") as err:
                self._guard = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(_GUARD), str(control), *command],
                    cwd=cwd,
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    pass_fds=(control,),
                )
        except BaseException:
            os.close(self._orders)
            raise
        finally:
            os.close(control)

    @property
    def pid(self) -> int:
        return self._guard.pid

    def wait(self) -> int:
        status = self._guard.wait()
        with self._lock:
            if self._orders >= 0:
                os.close(self._orders)
                self._orders = -1
        return status

    def stop(self, kill: bool) -> None:
        """SIGTERM, or SIGKILL, to the command's process group."""
        with self._lock:
            if self._orders >= 0:
                try:
                    os.write(self._orders, b"K" if kill else b"T")
                except BrokenPipeError:
                    pass
