"""Start the engine as a process of its own, which outlives the terminal it was started from."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from pydantic import Field

from drtool.errors import DrtoolError, InDoubt, Interrupted, JournalUnusable
from drtool.model.value import Value
from drtool.redact import Redactor

Tell = Callable[["Launched"], None]
SILENT_SECONDS = 120.0
LAST_WORD_SECONDS = 5.0
_DYING_SECONDS = 5.0


class Launched(Value):
    """What the engine's process says of its start: a run, or why there is none.

    ``pipe`` is where it says its last words, if it ends before its run does.
    """

    run: str = ""
    text: str = ""
    exit_code: int = 0
    warnings: tuple[str, ...] = ()
    pipe: int = Field(default=-1, exclude=True)

    def last_words(self) -> Launched | None:
        """Why the engine that has gone ended before its run; None when it said nothing."""
        if self.pipe < 0 or not select.select([self.pipe], [], [], LAST_WORD_SECONDS)[0]:
            return None
        said = os.read(self.pipe, 65536).partition(b"\n")[0]
        return Launched.model_validate_json(said) if said else None


def launch(
    serve: Callable[[Tell], int],
    log: Path,
    meanwhile: Callable[[], None] | None = None,
    *,
    redactor: Redactor,
) -> Launched:
    """Fork, let the child be the engine, and return what it says of its start.

    ``meanwhile`` is what this process can do while the engine starts: imports, for instance.
    ``redactor`` is the engine's own, which learns its secrets in the child.

    The child leads a session of its own and writes what it prints to ``log``. It is forked, not
    executed anew, so that nothing is imported twice on the way to the first effect; call this
    before any thread is started. Raises Interrupted if the child dies without a word, or is
    ended because it says none in time.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_engine(serve, writing, log, redactor)
    os.close(writing)
    if meanwhile is not None:
        meanwhile()
    said = _first_line(reading)
    if not said:
        os.close(reading)
        raise _not_begun(child, log)
    return Launched.model_validate_json(said).model_copy(update={"pipe": reading})


def _not_begun(child: int, log: Path) -> Interrupted:
    """Why there is no run; an engine that has said nothing is ended, so that none begins later."""
    if _has_ended(child, 0.2):
        return Interrupted("engine", "its process ended before the run started", hint=f"tail {log}")
    for end in (os.killpg, os.kill):  # it may not lead its session yet
        with contextlib.suppress(ProcessLookupError):
            end(child, signal.SIGKILL)
    waited = f"the run had not started after {SILENT_SECONDS:.0f} s"
    if _has_ended(child, _DYING_SECONDS):
        return Interrupted("engine", f"{waited}, and it was ended", hint=f"tail {log}")
    return Interrupted(
        "engine", f"{waited}, and process {child} does not end", hint=f"kill -9 {child}; tail {log}"
    )


def _has_ended(child: int, patience: float) -> bool:
    """Whether a process of ours is gone, or goes within ``patience`` seconds."""
    end = time.monotonic() + patience
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _first_line(descriptor: int) -> bytes:
    """What the engine wrote up to its first line's end; empty when it died or said nothing.

    What stands behind it is left where it is: it may be the engine's last words.
    """
    said, end = bytearray(), time.monotonic() + SILENT_SECONDS
    while (left := end - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        byte = os.read(descriptor, 1)
        if not byte or byte == b"\n":
            break
        said += byte
    return bytes(said)


def _be_engine(serve: Callable[[Tell], int], writing: int, log: Path, redactor: Redactor) -> None:
    """Become the engine's process; never returns."""
    code = 1
    try:
        os.setsid()

        def tell(launched: Launched) -> None:
            with contextlib.suppress(OSError):
                os.write(writing, launched.model_dump_json().encode() + b"\n")

        try:
            _detach_output(log)
            code = serve(tell)
        except DrtoolError as error:
            code = error.exit_code
            said = redactor.clean(error.text())
            _note(said)
            tell(Launched(text=said, exit_code=code))
        except BaseException as error:  # noqa: BLE001 - the process's last resort: tell it, then leave
            code = InDoubt.exit_code
            said = f"engine: {type(error).__name__}: {error}\n  hint: tail {log}"
            said = redactor.clean(said)
            _note(redactor.clean(traceback.format_exc()))
            tell(Launched(text=said, exit_code=code))
    finally:
        os._exit(code)


def _note(text: str) -> None:
    """Leave it in the log, whose disk may be the one that is full."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text.rstrip() + "\n")
        sys.stderr.flush()


def _detach_output(log: Path) -> None:
    """Read nothing from the terminal and write to the log instead."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise JournalUnusable(
            f"log {log}",
            error.strerror or str(error),
            "a home that can be written",
            "free or remount it, or choose another: export DRTOOL_HOME=...",
        ) from error
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(null)
    os.close(out)
    sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)


def said_as_json(launched: Launched) -> str:
    """The start, for scripts."""
    return json.dumps({"run": launched.run, "warnings": list(launched.warnings)})
