"""Runs a program and prints, as JSON, its exit status, wall time and exact peak memory (VmHWM).

`ru_maxrss` cannot say it: it is inherited from whoever starts the program, and a Python that starts a 7 MB program
reads its own 14 MB. Sampling /proc misses what lives for milliseconds. So the program's threads are traced, and
VmHWM is read while the last of them stands at its exit. Threads are stopped only where they begin and end.
"""
import ctypes
import json
import os
import signal
import sys
import time

TRACEME, CONT, SETOPTIONS = 0, 7, 0x4200
TRACECLONE, TRACEEXIT, EXITKILL = 0x8, 0x40, 0x100000
WALL = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def high_water(task: int) -> int:
    """KiB; 0 when the task is gone or has no memory any more."""
    try:
        with open(f"/proc/{task}/status", encoding="ascii", errors="replace") as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0


def run(arguments: list[str], log: str) -> dict:
    begun = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        libc.ptrace(TRACEME, 0, None, None)
        try:
            os.execvp(arguments[0], arguments)
        finally:
            os._exit(127)
    os.waitpid(pid, 0)  # stopped at its exec
    if libc.ptrace(SETOPTIONS, pid, None, TRACECLONE | TRACEEXIT | EXITKILL) != 0:
        raise OSError(ctypes.get_errno(), "ptrace is not permitted here")
    libc.ptrace(CONT, pid, None, None)
    peak = 0
    while True:
        task, status = os.waitpid(-1, WALL)
        if os.WIFSTOPPED(status):
            number = os.WSTOPSIG(status)
            if status >> 16:
                peak, number = max(peak, high_water(task)), 0
            elif number in (signal.SIGSTOP, signal.SIGTRAP):
                number = 0  # how a new thread begins
            libc.ptrace(CONT, task, None, number)
        elif task == pid:
            return {"status": os.waitstatus_to_exitcode(status), "wall": time.perf_counter() - begun, "peak": peak * 1024}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[2:], sys.argv[1])))
