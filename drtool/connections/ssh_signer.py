"""The keys that the person at this terminal can sign with: an agent's first, then key files'."""

from __future__ import annotations

import base64
import contextlib
import getpass
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drtool.connections.secrets import check_private
from drtool.connections.ssh_agent import SshAgent
from drtool.connections.ssh_keys import one_reason
from drtool.connections.ssh_signature import RSA_SIGNATURE, armored, packed, to_sign
from drtool.errors import BadInput, MissingExtra
from drtool.model.public_key import (
    ECDSA,
    blob_of,
    fields_of,
    fingerprint_of,
    key_alone,
    reason_not_a_person_key,
)

DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
_OPENSSH = b"openssh-key-v1\x00"
_BODY = "-----BEGIN OPENSSH PRIVATE KEY-----"
Ask = Callable[[str], str]


def at_the_terminal(prompt: str) -> str:
    """Ask for a passphrase; nothing that is typed is shown."""
    return getpass.getpass(prompt)


@dataclass
class Signer:
    """Signs texts with one of the keys that are at hand.

    ``key_file`` is the one to use: a private key, or the public half of one that the agent holds.
    A passphrase is asked for when it is needed, and the key is kept open as long as this lives.
    """

    key_file: Path | None = None
    ask: Ask = at_the_terminal
    home: Path = field(default_factory=Path.home)
    _open: dict[str, Any] = field(default_factory=dict)

    def key_of(self, wanted: Iterable[str]) -> str | None:
        """The first key at hand that is one of those wanted; raises BadInput for a bad key file."""
        known = {key_alone(key) for key in wanted}
        return next((key for key in self.offered() if key in known), None)

    def offered(self) -> list[str]:
        """The public keys at hand, those of the agent first, or that of ``key_file`` alone."""
        if self.key_file is not None:
            return [_public_of(self.key_file)]
        files = [self.home / ".ssh" / name for name in DEFAULT_KEYS]
        found = _held()
        for path in files:
            with contextlib.suppress(BadInput):
                found += [_public_of(path)] if path.exists() else []
        return list(dict.fromkeys(found))

    def sign(self, message: str, key: str) -> str:
        """The signature of a text with a key that was offered, as ``ssh-keygen -Y sign`` has it.

        Raises BadInput when the key cannot be used, MissingExtra.
        """
        data = to_sign(message)
        if key in _held():
            return armored(key, _by_agent(key, data))
        return armored(key, _by_file(self._opened(key), data))

    def _opened(self, key: str) -> Any:
        if key not in self._open:
            path = self.key_file or next(
                self.home / ".ssh" / name
                for name in DEFAULT_KEYS
                if _offers(self.home / ".ssh" / name, key)
            )
            private = path.with_suffix("") if path.suffix == ".pub" else path
            self._open[key] = _private(private, self.ask)
        return self._open[key]


def _held() -> list[str]:
    """What the agent holds; nothing when there is none, or when it does not answer."""
    with contextlib.suppress(OSError, ValueError, struct.error), SshAgent() as agent:
        lines = map(_line, agent.keys())
        return [line for line in lines if reason_not_a_person_key(line) is None]
    return []


def _line(blob: bytes) -> str:
    return f"{fields_of(blob)[0].decode('ascii', 'replace')} {base64.b64encode(blob).decode()}"


def _by_agent(key: str, data: bytes) -> bytes:
    try:
        with SshAgent() as agent:
            return agent.sign(blob_of(key), data)
    except (OSError, ValueError, struct.error) as error:
        subject = f"ssh-agent, key {fingerprint_of(key)}"
        raise BadInput(subject, f"does not sign: {one_reason(error)}", hint="--key FILE") from error


def _by_file(private: Any, data: bytes) -> bytes:
    """A key's own signature, in the form that an agent would give."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - with the extra
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, utils  # noqa: PLC0415

    if isinstance(private, ed25519.Ed25519PrivateKey):
        return packed(b"ssh-ed25519", private.sign(data))
    if isinstance(private, ec.EllipticCurvePrivateKey):
        kind = ECDSA[(256, 384, 521).index(private.curve.key_size)]
        hash_of = (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())[ECDSA.index(kind)]
        both = utils.decode_dss_signature(private.sign(data, ec.ECDSA(hash_of)))
        # one bit more than the number has, so that it is read as positive
        numbers = [number.to_bytes(number.bit_length() // 8 + 1) for number in both]
        return packed(kind.encode(), packed(*numbers))
    signature = private.sign(data, padding.PKCS1v15(), hashes.SHA512())
    return packed(RSA_SIGNATURE.encode(), signature)


def _private(path: Path, ask: Ask) -> Any:
    """A private key from its file; asks for its passphrase, three times at most."""
    subject = f"ssh key {path}"
    try:
        check_private(subject, path)
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(subject, one_reason(error)) from error
    passphrase: bytes | None = None
    for _ in range(4):
        try:
            return _loaded(data, passphrase)
        except (ValueError, TypeError) as error:
            if b"ENCRYPTED" not in data and not _is_locked(error, passphrase):
                raise BadInput(
                    subject,
                    "cannot be read as a private key",
                    "an Ed25519, ECDSA or RSA key; others by ssh-agent",
                ) from error
        try:
            passphrase = ask(f"Passphrase of {path}: ").encode()
        except EOFError as error:
            raise BadInput(subject, "has a passphrase", hint=f"ssh-add {path}") from error
    raise BadInput(subject, "is locked: that was not its passphrase", hint=f"ssh-add {path}")


def _loaded(data: bytes, passphrase: bytes | None) -> Any:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - with the extra
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above
    except ImportError as error:
        raise MissingExtra("SSH signatures", "ssh") from error
    openssh = data.startswith(_BODY.encode())
    load = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
    try:
        return load(data, passphrase)
    except UnsupportedAlgorithm as error:
        raise ValueError from error


def _is_locked(error: Exception, passphrase: bytes | None) -> bool:
    """Whether it is the passphrase that is missing, or wrong."""
    return passphrase is not None or (isinstance(error, TypeError) and "password" in str(error))


def _offers(path: Path, key: str) -> bool:
    with contextlib.suppress(BadInput):
        return path.exists() and _public_of(path) == key
    return False


def _public_of(path: Path) -> str:
    """The public half of a key file: the file itself, the .pub beside it, or in its clear part."""
    path = path.expanduser()
    beside = path if path.suffix == ".pub" else path.with_name(path.name + ".pub")
    try:
        text = path.read_text(encoding="ascii")
        if path != beside and text.startswith(_BODY):
            return _in_the_clear(text)
        text = beside.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        found = "is no key file" if isinstance(error, ValueError) else one_reason(error)
        raise BadInput(f"ssh key {path}", found, hint="--key ~/.ssh/id_ed25519") from error
    reason = reason_not_a_person_key(text.strip())
    if reason is not None:
        found, _, hint = reason.partition("; ")
        raise BadInput(f"ssh key {beside}", found, hint=hint)
    return key_alone(text)


def _in_the_clear(text: str) -> str:
    """The public key that stands unencrypted in an OpenSSH key file; raises ValueError."""
    blob = base64.b64decode("".join(text.split("\n")[1:]).partition("-----")[0])
    if not blob.startswith(_OPENSSH):
        msg = "another format"
        raise ValueError(msg)
    rest, parts = blob[len(_OPENSSH) :], []
    for _ in range(3):
        length = int.from_bytes(rest[:4])
        parts.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    length = int.from_bytes(rest[4:8])
    return _line(rest[8 : 8 + length])
