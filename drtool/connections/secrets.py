"""Turn references into secrets at the last moment, and teach the redactor each of them."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
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
        try:
            done = subprocess.run(
                shlex.split(ref.name),
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                check=True,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, ValueError) as error:
            raise BadInput(f"secret {ref.secret}", f"cannot be run: {error}") from error
        except subprocess.TimeoutExpired as error:
            raise BadInput(
                f"secret {ref.secret}", f"did not answer within {COMMAND_SECONDS:g} s"
            ) from error
        except subprocess.CalledProcessError as error:
            raise BadInput(f"secret {ref.secret}", f"ended with code {error.returncode}") from error
        return done.stdout.rstrip("\r\n")


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
