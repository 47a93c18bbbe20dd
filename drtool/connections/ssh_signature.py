"""Signatures in the form of ``ssh-keygen -Y``: made elsewhere, packed and verified here.

Source: OpenSSH, PROTOCOL.sshsig; for keys on security tokens PROTOCOL.u2f.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from typing import Any

from drtool.errors import MissingExtra
from drtool.model.public_key import ECDSA, blob_of, fields_of, key_alone
from drtool.model.signed import NAMESPACE

_MAGIC, _VERSION, _HASH = b"SSHSIG", 1, b"sha512"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_WIDTH = 70
_PRESENT = 0x01
_SK = "sk-ssh-ed25519@openssh.com"
RSA_SIGNATURE = "rsa-sha2-512"


def to_sign(message: str) -> bytes:
    """The bytes that a key really signs."""
    digest = hashlib.sha512(message.encode()).digest()
    return _MAGIC + packed(NAMESPACE.encode(), b"", _HASH, digest)


def armored(key: str, signature: bytes) -> str:
    """A signature as a file: ``signature`` is the key's own, as an SSH agent gives it."""
    blob = _MAGIC + struct.pack(">I", _VERSION)
    blob += packed(blob_of(key), NAMESPACE.encode(), b"", _HASH, signature)
    text = base64.b64encode(blob).decode()
    lines = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)]
    return "\n".join((_BEGIN, *lines, _END, ""))


def reason_not_signed(message: str, signature: str, key: str) -> str | None:
    """Why a text is not signed by a key; None when it is.

    Without the extra nothing can be verified, and nothing counts.
    """
    try:
        own = _unpacked(signature)
        if own[0] != blob_of(key):
            return "is signed with another key than it names"
        if own[1:4] != [NAMESPACE.encode(), b"", _HASH]:
            return f"is signed for something else than {NAMESPACE}"
        fine = _verified(key_alone(key), own[4], to_sign(message))
    except ImportError:
        missing = MissingExtra("it", "ssh")
        return f"cannot be verified: {missing.found}; {missing.hint}"
    except (binascii.Error, struct.error, ValueError, IndexError, KeyError):
        return "is no signature that can be read"
    return None if fine else "does not bear a valid signature: it was changed after it was signed"


def _unpacked(signature: str) -> list[bytes]:
    """Public key, namespace, reserved, hash and signature."""
    lines = signature.strip().splitlines()
    if lines[0] != _BEGIN or lines[-1] != _END:
        msg = "no armour"
        raise ValueError(msg)
    blob = base64.b64decode("".join(lines[1:-1]), validate=True)
    (version,) = struct.unpack_from(">I", blob, len(_MAGIC))
    if not blob.startswith(_MAGIC) or version != _VERSION:
        msg = "another version"
        raise ValueError(msg)
    return fields_of(blob[len(_MAGIC) + 4 :])


def _verified(key: str, signature: bytes, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - with the extra

    kind = key.partition(" ")[0]
    try:
        if kind == _SK:
            _verify_sk(key, signature, data)
        else:
            algorithm, raw = fields_of(signature)
            _verify(key, algorithm.decode(), raw, data)
    except InvalidSignature:
        return False
    return True


def _verify(key: str, algorithm: str, raw: bytes, data: bytes) -> None:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric import ec, padding, utils  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key  # noqa: PLC0415

    kind, public = key.partition(" ")[0], load_ssh_public_key(key.encode())
    verifier: Any = public
    if kind == "ssh-rsa":
        # SHA-1 is no longer taken; ssh-keygen makes rsa-sha2-512
        hash_of = {"rsa-sha2-512": hashes.SHA512(), "rsa-sha2-256": hashes.SHA256()}[algorithm]
        verifier.verify(raw, data, padding.PKCS1v15(), hash_of)
    elif algorithm != kind:
        msg = f"{algorithm} is not of {kind}"
        raise ValueError(msg)
    elif kind in ECDSA:
        r, s = (int.from_bytes(part) for part in fields_of(raw))
        hash_of = (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())[ECDSA.index(kind)]
        verifier.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hash_of))
    elif kind == "ssh-ed25519":
        verifier.verify(raw, data)
    else:
        raise KeyError(kind)


def _verify_sk(key: str, signature: bytes, data: bytes) -> None:
    """A key on a token signs the application, what the token saw, a counter and the data's hash."""
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - as above

    _, public, application = fields_of(blob_of(key))
    tail = signature[-5:]
    algorithm, raw = fields_of(signature[:-5])
    if algorithm.decode() != _SK or not tail[0] & _PRESENT:
        msg = "nobody touched the token"
        raise ValueError(msg)
    whole = hashlib.sha256(application).digest() + tail + hashlib.sha256(data).digest()
    ed25519.Ed25519PublicKey.from_public_bytes(public).verify(raw, whole)


def packed(*parts: bytes) -> bytes:
    """Strings one behind the other, each with its length (RFC 4251, section 5)."""
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)
