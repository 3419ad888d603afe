"""The keeper's own process: it kills the environments of an owner that was killed.

Rule: run as a script by the bare interpreter (`-I -S`), so it imports nothing of faaslab, starts at once and
holds a few megabytes. It reads lines `+pid folder mark cgroup…` and `-pid`; at the end of its input (the
owner closed it, or was killed) it kills what is still listed. Its argument is the folder that has psutil
where there is no /proc; psutil is imported at the end only, and where that fails `ps` tells the parents.
"""

from __future__ import annotations

import os
import signal
import sys

_MARK = b"AWS_LAMBDA_LOG_STREAM_NAME="


def _main() -> None:
    # Its own session keeps a terminal's Ctrl-C away from it; this does so for a direct signal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    known: dict[int, list[bytes]] = {}
    for line in sys.stdin.buffer:
        word, _, rest = line.rstrip(b"\n").partition(b"\t")
        if word[:1] == b"+":
            known[int(word[1:])] = rest.split(b"\t")
        else:
            known.pop(int(word[1:]), None)
    if known:
        _end(known, sys.argv[1] if len(sys.argv) > 1 else "")


def _end(known: dict[int, list[bytes]], psutil_folder: str) -> None:
    marks = [words[1] for words in known.values() if words[1]]
    parents: dict[int, int] = {}
    doomed = set(known)
    for pid, parent, text in _from_psutil(psutil_folder) if psutil_folder else _from_proc():
        parents[pid] = parent
        if text and any(_MARK + mark + b"\0" in text for mark in marks):
            doomed.add(pid)
    while True:
        more = {pid for pid, parent in parents.items() if parent in doomed} - doomed
        if not more:
            break
        doomed |= more
    groups = [group for _, _, *groups in known.values() for group in groups]
    for group in groups:
        # What forks without end must not outrun this.
        _forbid_forks(group)
    for pid in known:
        _kill(pid, group=True)
    doomed.update(pid for group in groups for pid in _members(group))
    for pid in doomed:
        _kill(pid)
    _tidy(known)


def _tidy(known: dict[int, list[bytes]]) -> None:
    import shutil
    import time

    for folder, _, *groups in known.values():
        if folder:
            shutil.rmtree(os.fsdecode(folder), ignore_errors=True)
        for group in groups:
            for _attempt in range(50):
                try:
                    os.rmdir(group)  # noqa: PTH106 - pathlib would have to be imported
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    # A killed process leaves its cgroup a moment later.
                    time.sleep(0.02)


def _forbid_forks(group: bytes) -> None:
    try:
        descriptor = os.open(group + b"/pids.max", os.O_WRONLY)
    except OSError:
        return
    try:
        os.write(descriptor, b"0")
    except OSError:
        return
    finally:
        os.close(descriptor)


def _members(group: bytes) -> list[int]:
    try:
        with open(group + b"/cgroup.procs", "rb") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def _kill(pid: int, *, group: bool = False) -> None:
    try:
        (os.killpg if group else os.kill)(pid, signal.SIGKILL)
    except OSError:
        return


def _from_proc() -> list[tuple[int, int, bytes]]:
    """(pid, parent, variables) of all processes that may be looked at."""
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():  # noqa: PTH112, PTH208 - as above
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
                with open(f"/proc/{name}/environ", "rb") as file:
                    found.append((int(name), parent, file.read()))
            except (OSError, IndexError, ValueError):
                continue
    return found


def _from_psutil(folder: str) -> list[tuple[int, int, bytes]]:
    sys.path.append(folder)
    try:
        import psutil
    except Exception:  # noqa: BLE001 - half an installation is as good as none
        return _from_ps()
    found = []
    for process in psutil.process_iter():
        try:
            parent = process.ppid()
        except psutil.Error:
            continue
        try:
            variables = process.environ()
        except (psutil.Error, OSError):
            variables = {}
        text = "".join(f"{name}={value}\0" for name, value in variables.items())
        found.append((process.pid, parent, text.encode("utf-8", "surrogateescape")))
    return found


def _from_ps() -> list[tuple[int, int, bytes]]:
    """What every POSIX system tells: parents, but nobody's variables."""
    import subprocess

    try:
        done = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="],
            capture_output=True,
            check=False,
            timeout=2,
            env={"PATH": "/bin:/usr/bin"},
        )
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [line.split() for line in done.stdout.splitlines()]
    return [(int(row[0]), int(row[1]), b"") for row in rows if len(row) == 2]


if __name__ == "__main__":
    _main()
