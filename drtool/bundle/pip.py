"""Ask pip, in a process of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

from drtool.errors import BadInput


def pip(verb: str, *words: str, hint: str = "") -> None:
    """Run one of pip's verbs; raises BadInput with what pip said when it fails."""
    if importlib.util.find_spec("pip") is None:
        raise BadInput(
            "pip", f"is not installed for {sys.executable}", hint=f"{sys.executable} -m ensurepip"
        )
    done = subprocess.run(
        [sys.executable, "-m", "pip", verb, "--quiet", "--disable-pip-version-check", *words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        text = " ".join(line.removeprefix("ERROR: ").strip() for line in said)
        raise BadInput(f"pip {verb}", text or done.stderr.strip(), hint=hint)
