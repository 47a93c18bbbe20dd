"""Turn references into secrets at the last moment, and teach the redactor each of them."""

from __future__ import annotations

import os
import shlex
import signal
import stat
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from drtool.errors import BadInput
from drtool.model.secret import SecretRef
from drtool.redact import Redactor

COMMAND_SECONDS = 10.0


class Secrets:
    """Resolves secret references; nothing is cached beyond what the redactor must know."""

    def __init__(self, redactor: Redactor, directory: Path | None = None) -> None:
        self.redactor = redactor
        self._directory = directory or Path.cwd()

    def resolve(self, ref: SecretRef) -> str:
        """The secret's value.

        Files are relative to the inventory's directory and must not be open to others. Raises
        BadInput that names the reference, never the value.
        """
        value = {"env": self._env, "file": self._file, "command": self._command}[ref.source](ref)
        if not value:
            raise BadInput(f"secret {ref.secret}", "is empty")
        return self.redactor.learn(value)

    def expect(self, refs: Iterable[SecretRef]) -> None:
        """Learn what variables hold before it is used, so that no other process is told of it."""
        for ref in refs:
            if ref.source == "env":
                self.redactor.learn(os.environ.get(ref.name, ""))

    def clean(self, typed: str, refs: Iterable[SecretRef]) -> str:
        """What a person typed, without what these references lead to; no command is run for it.

        A process that resolves none of them would not know their values from other words.
        """
        for ref in refs if typed else ():
            if ref.source != "command":
                with suppress(BadInput):
                    self.resolve(ref)
        return self.redactor.clean(typed)

    def path(self, name: str) -> Path:
        """A file that the inventory names: relative to the inventory's directory."""
        return self._directory / Path(name).expanduser()

    def _env(self, ref: SecretRef) -> str:
        value = os.environ.get(ref.name)
        if value is None:
            raise BadInput(
                f"secret {ref.secret}", "the variable is not set", hint=f"export {ref.name}=..."
            )
        return value

    def _file(self, ref: SecretRef) -> str:
        path = self.path(ref.name)
        try:
            check_private(f"secret {ref.secret}", path)
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
            raise BadInput(
                f"secret {ref.secret}",
                f"{path}: {reason}",
                hint=f"write the secret there, chmod 600 {shlex.quote(str(path))}",
            ) from error

    def _command(self, ref: SecretRef) -> str:
        subject = f"secret {ref.secret}"
        try:
            process = subprocess.Popen(
                shlex.split(ref.name),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self.redactor.without_secrets(os.environ),
                text=True,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise BadInput(subject, f"cannot be run: {error}") from error
        with process:
            try:
                said, _ = process.communicate(timeout=COMMAND_SECONDS)
            except subprocess.TimeoutExpired as error:
                # with all that it has started, which may hold its pipe open
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                late = f"did not answer within {COMMAND_SECONDS:g} s"
                raise BadInput(subject, late) from error
            except UnicodeDecodeError as error:
                raise BadInput(subject, "did not answer UTF-8 text") from error
        if process.returncode:
            raise BadInput(subject, f"ended with code {process.returncode}")
        return said.rstrip("\r\n")


def check_private(subject: str, path: Path) -> None:
    """Raise BadInput when others can read a file; raises OSError when there is none."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadInput(
            subject,
            f"its file's mode is {mode:04o}",
            "a file that only its owner can read",
            f"chmod 600 {shlex.quote(str(path))}",
        )
