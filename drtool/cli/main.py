"""The command line: ``main`` is the only entry."""

from __future__ import annotations

import errno
import io
import os
import sys

import typer

from drtool.cli import (
    author,
    bundle,
    control,
    doctor,
    documents,
    freeze,
    journal,
    lab,
    notify,
    observe,
    server,
    start,
    steer,
    watch,
)
from drtool.cli.sections import Sections
from drtool.errors import BadInput, DrtoolError

# What a person can see to: no room, no right, not there.
_OF_THE_MACHINE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS),
    *(errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR),
}
app = typer.Typer(
    name="drtool",
    cls=Sections,
    help="Disaster recovery you can prove: runbooks that run, are timed, and tell the truth.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (start, control, freeze, steer, observe, watch, doctor, author, documents, bundle):
    part.register(app)
app.add_typer(notify.app, name="notify")
app.add_typer(server.app, name="server")
app.add_typer(journal.app, name="journal")
app.add_typer(lab.app, name="lab")


@app.callback(invoke_without_command=True)
def _version(
    version: bool = typer.Option(False, "--version", help="Show the version and leave."),
) -> None:
    if version:
        from drtool import __version__

        typer.echo(f"drtool {__version__}")
        raise typer.Exit


def _must_be_text(words: list[str]) -> None:
    """Raises BadInput for an argument that no record could hold: what was typed is kept as UTF-8.

    Python hands on bytes that are none as lone surrogates.
    """
    for place, word in enumerate(words, 1):
        shown = word.encode("utf-8", "replace").decode()
        if shown != word:
            hint = "is this terminal set to another encoding? see locale"
            raise BadInput(f"argument {place}", f"{shown!r} is not UTF-8", hint=hint)


def _never_unprintable() -> None:
    """A sign that this terminal's encoding has not is written by its number, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() != "utf-8":
            stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """Run the command line; every error that can be foreseen ends as one line with a hint."""
    _never_unprintable()
    try:
        _must_be_text(sys.argv[1:])
        app(standalone_mode=True)
    except DrtoolError as error:
        print(error.text(), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141)
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        where = error.filename or "this machine"
        print(f"{where}: {os.strerror(error.errno or 0)}", file=sys.stderr)
        sys.exit(BadInput.exit_code)
