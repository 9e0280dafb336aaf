"""Runs a command so that it, and everything it starts, ends with the server.

    python -I -S guard.py FD COMMAND [ARGUMENT]...

FD is the read end of a pipe whose other end only the server holds. ``T`` on it sends SIGTERM to the
command's process group, ``K`` kills it; its end (the server is gone, even by SIGKILL) kills the
group and every descendant, also those that left it. The exit status is the command's (128+N for a signal).

PR_SET_PDEATHSIG alone is not enough: it reaches the child but not what the child starts (a shell's
java), so this process makes itself the reaper of all descendants (PR_SET_CHILD_SUBREAPER)."""

import ctypes
import os
import select
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def _kill_descendants(pid: int) -> None:
    """Kills children until there are none: orphans of a killed child become ours."""
    for _ in range(100):
        children = _children(pid)
        if not children:
            return
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for child in children:
            try:
                os.waitpid(child, 0)
            except ChildProcessError:
                pass


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def main() -> int:
    control, command = int(sys.argv[1]), sys.argv[2:]
    os.setsid()
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    child = os.fork()
    if child == 0:
        os.close(control)
        os.setpgid(0, 0)
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"{command[0]}: {error.strerror}\n".encode())
            os._exit(127 if isinstance(error, FileNotFoundError) else 126)
    try:
        # Here too: an order may come before the child has got to its own call.
        os.setpgid(child, child)
    except (PermissionError, ProcessLookupError):
        pass
    # The terminal's Ctrl-C and the server's own SIGTERM are the server's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    status = _watch(child, control)
    _kill_descendants(os.getpid())
    return 128 - status if status < 0 else status


def _watch(child: int, control: int) -> int:
    handle = os.pidfd_open(child)
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    poll.register(control, select.POLLIN | select.POLLHUP)
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if handle in ready:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        order = os.read(control, 1)
        if order == b"T":
            _signal_group(child, signal.SIGTERM)
        else:
            _signal_group(child, signal.SIGKILL)
            if order == b"":
                poll.unregister(control)


if __name__ == "__main__":
    sys.exit(main())
