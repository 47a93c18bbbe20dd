"""Start the engine as a process of its own, which outlives the terminal it was started from."""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from drtool.errors import DrtoolError, InDoubt, Interrupted
from drtool.model.value import Value

Tell = Callable[["Launched"], None]
SILENT_SECONDS = 120.0


class Launched(Value):
    """What the engine's process says of its start: a run, or why there is none."""

    run: str = ""
    text: str = ""
    exit_code: int = 0
    warnings: tuple[str, ...] = ()


def launch(
    serve: Callable[[Tell], int], log: Path, meanwhile: Callable[[], None] | None = None
) -> Launched:
    """Fork, let the child be the engine, and return what it says of its start.

    ``meanwhile`` is what this process can do while the engine starts: imports, for instance.

    The child leads a session of its own and writes what it prints to ``log``. It is forked, not
    executed anew, so that nothing is imported twice on the way to the first effect; call this
    before any thread is started. Raises Interrupted if the child dies without a word.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork() == 0:
        os.close(reading)
        _be_engine(serve, writing, log)
    os.close(writing)
    if meanwhile is not None:
        meanwhile()
    with os.fdopen(reading, "rb") as pipe:
        said = _first_line(pipe.fileno())
    if not said:
        raise Interrupted(
            "engine",
            "its process ended before the run started",
            hint=f"tail {log}",
        )
    return Launched.model_validate_json(said)


def _first_line(descriptor: int) -> bytes:
    """What the engine wrote up to its first line's end; empty when it died or said nothing."""
    said, end = b"", time.monotonic() + SILENT_SECONDS
    while b"\n" not in said and (left := end - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        more = os.read(descriptor, 65536)
        if not more:
            break
        said += more
    return said


def _be_engine(serve: Callable[[Tell], int], writing: int, log: Path) -> None:
    """Become the engine's process; never returns."""
    code = 1
    try:
        os.setsid()
        _detach_output(log)

        def tell(launched: Launched) -> None:
            with contextlib.suppress(OSError):
                os.write(writing, launched.model_dump_json().encode() + b"\n")
                os.close(writing)

        try:
            code = serve(tell)
        except DrtoolError as error:
            code = error.exit_code
            tell(Launched(text=error.text(), exit_code=code))
        except BaseException as error:  # noqa: BLE001 - the process's last resort: tell it, then leave
            code = InDoubt.exit_code
            traceback.print_exc()
            said = f"engine: {type(error).__name__}: {error}\n  hint: tail {log}"
            tell(Launched(text=said, exit_code=code))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _detach_output(log: Path) -> None:
    """Read nothing from the terminal and write to the log instead."""
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    null = os.open(os.devnull, os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(null)
    os.close(out)
    sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)


def said_as_json(launched: Launched) -> str:
    """The start, for scripts."""
    return json.dumps({"run": launched.run, "warnings": list(launched.warnings)})
