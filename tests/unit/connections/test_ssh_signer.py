"""Signatures in the form of ssh-keygen -Y, held against the real ssh-keygen and ssh-agent."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from drtool.connections import ssh_agent
from drtool.connections.ssh_agent import SshAgent
from drtool.connections.ssh_signature import armored, reason_not_signed, to_sign
from drtool.connections.ssh_signer import Signer
from drtool.errors import BadInput, MissingExtra
from drtool.model.public_key import blob_of, fingerprint_of, key_alone
from drtool.model.signed import NAMESPACE

TEXT = "drtool approval 1\nrun: r1\n"


def make_key(directory: Path, name: str, kind: str, *more: str, passphrase: str = "") -> Path:
    path = directory / name
    command = ["ssh-keygen", "-q", "-t", kind, *more, "-N", passphrase, "-C", name, "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def public(path: Path) -> str:
    return key_alone(path.with_name(path.name + ".pub").read_text())


def verified(directory: Path, key: str, message: str, signature: str) -> bool:
    (directory / "allowed").write_text(f'ann namespaces="{NAMESPACE}" {key}\n')
    (directory / "m.sig").write_text(signature)
    done = subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-f", str(directory / "allowed"), "-I", "ann",
         "-n", NAMESPACE, "-s", str(directory / "m.sig")],
        input=message.encode(), capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0


@pytest.fixture
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    socket = tmp_path / "agent"
    running = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not socket.exists():
        assert running.poll() is None
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    yield
    running.terminate()
    running.wait()


KINDS = [
    ("ed25519",),
    ("ecdsa",),
    ("ecdsa", "-b", "384"),
    ("ecdsa", "-b", "521"),
    ("rsa", "-b", "2048"),
]


@pytest.mark.usefixtures("no_agent")
@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_what_a_key_file_signs_the_real_ssh_keygen_verifies(
    tmp_path: Path, kind: tuple[str, ...]
) -> None:
    path = make_key(tmp_path, "key", *kind)
    signer = Signer(path)
    assert signer.offered() == [public(path)]
    signature = signer.sign(TEXT, public(path))
    assert verified(tmp_path, public(path), TEXT, signature)
    assert not verified(tmp_path, public(path), TEXT + "x", signature)
    assert reason_not_signed(TEXT, signature, public(path)) is None
    assert "was changed after it was signed" in str(
        reason_not_signed(TEXT + "x", signature, public(path))
    )


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_what_an_agent_signs_the_real_ssh_keygen_verifies(
    tmp_path: Path, kind: tuple[str, ...]
) -> None:
    path = make_key(tmp_path, "key", *kind)
    subprocess.run(["ssh-add", "-q", str(path)], check=True)
    path.unlink()
    signer = Signer(home=tmp_path)
    assert signer.key_of([public(path)]) == public(path)
    signature = signer.sign(TEXT, public(path))
    assert verified(tmp_path, public(path), TEXT, signature)
    assert reason_not_signed(TEXT, signature, public(path)) is None
    by_its_public_half = Signer(path.with_name("key.pub"))
    assert by_its_public_half.offered() == [public(path)]
    assert verified(tmp_path, public(path), TEXT, by_its_public_half.sign(TEXT, public(path)))


@pytest.mark.usefixtures("no_agent")
def test_what_the_real_ssh_keygen_signs_is_verified_here(tmp_path: Path) -> None:
    path, other = (make_key(tmp_path, name, "ed25519") for name in ("key", "other"))
    message = tmp_path / "m"
    message.write_text(TEXT)

    def signed(namespace: str) -> str:
        subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-f", str(path), "-n", namespace, str(message)],
            check=True, capture_output=True,
        )  # fmt: skip
        found = (tmp_path / "m.sig").read_text()
        (tmp_path / "m.sig").unlink()
        return found

    assert reason_not_signed(TEXT, signed(NAMESPACE), public(path)) is None
    assert "for something else" in str(reason_not_signed(TEXT, signed("git"), public(path)))
    assert "another key" in str(reason_not_signed(TEXT, signed(NAMESPACE), public(other)))
    assert "no signature" in str(reason_not_signed(TEXT, "what", public(path)))
    assert "no signature" in str(reason_not_signed(TEXT, "", public(path)))


@pytest.mark.usefixtures("no_agent")
def test_a_passphrase_is_asked_for_once(tmp_path: Path) -> None:
    path = make_key(tmp_path, "key", "ed25519", passphrase="open sesame")
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "wrong" if len(asked) == 1 else "open sesame"

    signer = Signer(path, ask)
    for _ in range(2):
        signature = signer.sign(TEXT, public(path))
        assert reason_not_signed(TEXT, signature, public(path)) is None
    assert asked == [f"Passphrase of {path}: "] * 2


@pytest.mark.usefixtures("no_agent")
def test_a_passphrase_that_stays_wrong_or_cannot_be_asked_for(tmp_path: Path) -> None:
    path = make_key(tmp_path, "key", "ed25519", passphrase="open sesame")
    with pytest.raises(BadInput, match="not its passphrase"):
        Signer(path, lambda _: "wrong").sign(TEXT, public(path))

    def nobody(prompt: str) -> str:
        raise EOFError(prompt)

    with pytest.raises(BadInput, match="has a passphrase") as told:
        Signer(path, nobody).sign(TEXT, public(path))
    assert "ssh-add" in told.value.hint


@pytest.mark.usefixtures("no_agent")
def test_bad_key_files(tmp_path: Path) -> None:
    path = make_key(tmp_path, "key", "ed25519")
    path.chmod(0o644)
    with pytest.raises(BadInput, match="mode is 0644"):
        Signer(path).sign(TEXT, public(path))
    (tmp_path / "none").write_text("no key at all")
    for name in ("none", "missing"):
        with pytest.raises(BadInput, match=f"ssh key .*{name}"):
            Signer(tmp_path / name).offered()


@pytest.mark.usefixtures("no_agent")
def test_the_default_keys_are_found_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    path = make_key(tmp_path / ".ssh", "id_ed25519", "ed25519")
    other = make_key(tmp_path, "other", "ed25519")
    signer = Signer(home=tmp_path)
    assert signer.key_of([public(other), public(path)]) == public(path)
    assert signer.key_of([public(other)]) is None
    assert reason_not_signed(TEXT, signer.sign(TEXT, public(path)), public(path)) is None


def test_a_key_on_a_token_counts_when_it_was_touched() -> None:
    own = ed25519.Ed25519PrivateKey.generate()
    raw = own.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    kind, application = b"sk-ssh-ed25519@openssh.com", b"ssh:"
    blob = b"".join(struct.pack(">I", len(one)) + one for one in (kind, raw, application))
    key = f"{kind.decode()} {base64.b64encode(blob).decode()}"

    def signature(flags: int) -> str:
        tail = bytes([flags]) + struct.pack(">I", 7)
        data = hashlib.sha256(application).digest() + tail + hashlib.sha256(to_sign(TEXT)).digest()
        parts = (kind, own.sign(data))
        return armored(key, b"".join(struct.pack(">I", len(one)) + one for one in parts) + tail)

    assert reason_not_signed(TEXT, signature(1), key) is None
    assert reason_not_signed(TEXT, signature(0), key) is not None
    assert "changed" in str(reason_not_signed(TEXT + "x", signature(1), key))


def test_a_fingerprint_is_the_one_that_ssh_keygen_shows(tmp_path: Path) -> None:
    path = make_key(tmp_path, "key", "ed25519")
    shown = subprocess.run(
        ["ssh-keygen", "-lf", str(path)], capture_output=True, text=True, check=True
    ).stdout
    assert fingerprint_of(public(path)) in shown
    assert os.stat(path).st_mode & 0o077 == 0  # noqa: PTH116 - as ssh-keygen left it


def test_without_the_extra_nothing_is_verified_and_it_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = make_key(tmp_path, "key", "ed25519")
    signature = Signer(path).sign(TEXT, public(path))
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    reason = reason_not_signed(TEXT, signature, public(path))
    assert reason is not None
    assert "the Python packages of the extra 'ssh' are not installed" in reason
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives", None)
    with pytest.raises(MissingExtra, match="the extra 'ssh'"):
        Signer(path).sign(TEXT, public(path))


def test_an_agent_that_never_answers_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As one that was forwarded over a connection that is dead now."""
    (tmp_path / ".ssh").mkdir()
    path = make_key(tmp_path / ".ssh", "id_ed25519", "ed25519")
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        deaf.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "deaf"))
        monkeypatch.setattr(ssh_agent, "ANSWER_SECONDS", 0.2)
        began = time.monotonic()
        signer = Signer(home=tmp_path)
        assert signer.offered() == [public(path)]
        signature = signer.sign(TEXT, public(path))
        assert time.monotonic() - began < 5
        deaf.accept()[0].close()
    assert reason_not_signed(TEXT, signature, public(path)) is None


@pytest.mark.usefixtures("agent")
def test_an_agent_that_refuses_is_told(tmp_path: Path) -> None:
    path = make_key(tmp_path, "key", "ed25519")
    subprocess.run(["ssh-add", "-q", str(path)], check=True)
    subprocess.run(["ssh-add", "-q", "-D"], check=True)
    with SshAgent() as held, pytest.raises(ConnectionError, match="refuses"):
        held.sign(blob_of(public(path)), b"data")
    assert Signer(home=tmp_path).offered() == []
