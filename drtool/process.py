"""Know a process again: an id alone may have gone to another one."""

from __future__ import annotations

import subprocess
from pathlib import Path

_STATE, _STARTED = 0, 19


def identity(pid: int) -> str:
    """What only this process of that id has: when it started; "" if it is gone or a zombie.

    A process that was killed stays as a zombie where nobody buries it, as in many containers.
    Source: proc(5), fields 3 and 22 of ``/proc/PID/stat``; elsewhere what ``ps`` calls lstart.
    """
    if Path("/proc/self/stat").exists():
        try:
            text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        fields = text.rpartition(")")[2].split()
        return "" if fields[_STATE] in {"Z", "X"} else fields[_STARTED]
    done = subprocess.run(
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, started = done.stdout.strip().partition(" ")
    return "" if not state or state.startswith("Z") else started.strip()


def runs(pid: int, known: str = "") -> bool:
    """Whether a process is there and can do anything, and has the identity that is known of it."""
    found = identity(pid)
    return found == known if known else bool(found)


def stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal; known where there is ``/proc`` only."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[_STATE] == "T"
