"""Know a process again: an id alone may have gone to another one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

_STATE, _STARTED = 0, 19
_INHERITED = {
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "SYSTEMROOT"),
    *("TMPDIR", "TEMP", "TMP", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DO_NOT_TRACK"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
}
_INHERITED_FAMILIES = ("LC_", "XDG_", "PYTHON", "PREFECT_", "DRTOOL_", "COVERAGE_", "COV_")


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


def inherited(variables: Mapping[str, str], also: Iterable[str] = ()) -> dict[str, str]:
    """The environment for a process of ours beside the engine: what it needs, and ``also``.

    Secrets that the inventory takes from variables are none of its business.
    """
    wanted = {*_INHERITED, *also}
    return {
        name: value
        for name, value in variables.items()
        if name in wanted or name.startswith(_INHERITED_FAMILIES) or name.lower().endswith("_proxy")
    }
