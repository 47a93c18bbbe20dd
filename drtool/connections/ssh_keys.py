"""SSH keys: the host's pinned one, and the user's own."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drtool.connections import ssh_agent
from drtool.connections.secrets import check_private
from drtool.connections.silences import Silences
from drtool.connections.ssh_agent import HeldKey, SshAgent
from drtool.errors import AccessDenied, BadInput

DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
_AGENT = ("ssh-agent", 0)


class OwnKeys:
    """The user's own keys with a name for each: the agent's, then those in files.

    A file is read only when all before it were turned away; ``unused`` says which could not be
    used, and why.
    """

    def __init__(self, seconds: float, silences: Silences, paramiko: Any) -> None:
        self._seconds, self._silences, self._paramiko = seconds, silences, paramiko
        self.unused: list[str] = []

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Each key when its turn has come."""
        for held in self._held():
            yield "an agent's key", held
            if held.refusal:
                self.unused.append(f"the ssh-agent, asked to sign, {held.refusal}")
            if held.silent:
                break
        home = Path.home() / ".ssh"
        for path in (home / name for name in DEFAULT_KEYS if (home / name).exists()):
            try:
                key = load_key(path, self._paramiko)
            except BadInput as error:
                self.unused.append(f"{error.subject} {error.found}")
            else:
                yield str(path), key

    def _held(self) -> list[HeldKey]:
        """What the agent holds; one that does not answer holds nothing."""
        limit = min(self._seconds, ssh_agent.ANSWER_SECONDS)
        limit = self._silences.patience(_AGENT, limit)
        try:
            with SshAgent(limit) as agent:
                blobs = agent.keys()
        except FileNotFoundError:
            return []
        except TimeoutError:
            self._silences.note(_AGENT)
            self.unused.append(f"the ssh-agent does not answer within {limit:g} s")
            return []
        except (OSError, ValueError, struct.error) as error:
            self.unused.append(f"the ssh-agent cannot be asked: {one_reason(error)}")
            return []
        self._silences.over(_AGENT)
        return [HeldKey(blob, self._seconds) for blob in blobs if len(blob) > 4]


def check_host_key(subject: str, host_key: str, offered: Any) -> None:
    """Raise AccessDenied unless the host showed the pinned key."""
    kind, _, encoded = host_key.partition(" ")
    pinned, blob = key_blob(encoded, subject), offered.asbytes()
    if blob == pinned:
        return
    seen = f"{offered.get_name()} {base64.b64encode(blob).decode()}"
    raise AccessDenied(
        subject,
        f"shows the host key {fingerprint(blob)} ({offered.get_name()})",
        f"{fingerprint(pinned)} ({kind}), the one in the inventory",
        "if the host was reinstalled, compare with ssh-keygen -lf "
        f'/etc/ssh/ssh_host_*_key.pub on its console, then write host_key: "{seen}"',
    )


def fingerprint(blob: bytes) -> str:
    """A key's fingerprint as ssh-keygen -l shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def prefer_pinned(transport: Any, host_key: str) -> None:
    """Ask for the pinned key's type first; a host that has others too shows the right one."""
    kind = host_key.partition(" ")[0]
    first = ("rsa-sha2-512", "rsa-sha2-256") if "rsa" in kind else (kind,)
    options = transport.get_security_options()
    known = options.key_types
    options.key_types = (
        *(name for name in first if name in known),
        *(name for name in known if name not in first and name != "ssh-rsa"),
    )


def key_blob(encoded: str, subject: str) -> bytes:
    """The pinned key's bytes; raises BadInput when they are not base64."""
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise BadInput(subject, "its host_key in the inventory is not base64") from error


def load_key(path: Path, paramiko: Any) -> Any:
    """A private key from its file; raises BadInput with what is wrong with the file."""
    subject = f"ssh key {path}"
    try:
        check_private(subject, path)
        return paramiko.PKey.from_path(path)
    except OSError as error:
        raise BadInput(subject, one_reason(error)) from error
    except (paramiko.SSHException, ValueError, TypeError) as error:
        raise BadInput(
            subject,
            f"cannot be read as a private key: {one_reason(error)}",
            "an Ed25519, ECDSA or RSA key without a passphrase, or one held by ssh-agent",
        ) from error


def one_reason(error: Exception) -> str:
    """What went wrong, in few words."""
    if isinstance(error, TimeoutError):
        return "timed out"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).strip().rstrip(".").splitlines()[0]
