"""What an SSH agent holds, and what it signs; one that does not answer holds nobody up.

Source: draft-miller-ssh-agent. paramiko's own client waits for ever: an agent that was forwarded
over a connection now dead accepts and never answers.
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from drtool.connections.ssh_signature import packed
from drtool.model.public_key import fields_of

ANSWER_SECONDS = 2.0
TOUCH_SECONDS = 60.0  # a person may have to touch a token, or to confirm
_REQUEST_IDENTITIES, _IDENTITIES = 11, 12
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14
_RSA_SHA2_256, _RSA_SHA2_512 = 2, 4
_LONGEST = 1 << 20


class SshAgent:
    """A connection to the agent that ``SSH_AUTH_SOCK`` names; raises OSError when there is none."""

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = ANSWER_SECONDS if seconds is None else seconds
        where = os.environ.get("SSH_AUTH_SOCK")
        if not where:
            msg = "no agent is named"
            raise FileNotFoundError(msg)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(self._seconds)
            self._socket.connect(where)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        """Use it; it is closed afterwards."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def keys(self) -> list[bytes]:
        """The public keys that it holds; raises OSError."""
        answer = self._asked(bytes([_REQUEST_IDENTITIES]), _IDENTITIES, self._seconds)
        # how many there are, then each with its comment
        return fields_of(answer[4:])[::2] if len(answer) > 4 else []

    def sign(
        self, key: bytes, data: bytes, algorithm: str = "", seconds: float = TOUCH_SECONDS
    ) -> bytes:
        """A key's signature of data, RSA with SHA-512 unless ``algorithm`` names SHA-256.

        Raises OSError when it refuses.
        """
        sha2 = _RSA_SHA2_256 if algorithm.startswith("rsa-sha2-256") else _RSA_SHA2_512
        request = bytes([_SIGN_REQUEST]) + packed(key, data)
        request += struct.pack(">I", sha2 if kind_of(key).startswith("ssh-rsa") else 0)
        return fields_of(self._asked(request, _SIGN_RESPONSE, seconds))[0]

    def _asked(self, request: bytes, wanted: int, seconds: float) -> bytes:
        self._socket.settimeout(seconds)
        try:
            self._socket.sendall(packed(request))
            (length,) = struct.unpack(">I", self._read(4))
            answer = self._read(min(length, _LONGEST))
        except TimeoutError as error:
            msg = f"does not answer within {seconds:g} s"
            raise TimeoutError(msg) from error
        if not answer or answer[0] != wanted:
            msg = "refuses"
            raise ConnectionError(msg)
        return answer[1:]

    def _read(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            more = self._socket.recv(count - len(found))
            if not more:
                msg = "has hung up"
                raise ConnectionError(msg)
            found += more
        return found


@dataclass
class HeldKey:
    """A key that the agent holds, as paramiko uses one.

    Where the agent does not sign, its signature is a wrong one, which the host refuses as it does
    a strange key's, and ``refusal`` says why.
    """

    blob: bytes
    seconds: float
    refusal: str = ""
    silent: bool = False

    def get_name(self) -> str:
        """Its kind."""
        return kind_of(self.blob)

    def asbytes(self) -> bytes:
        """Its public half."""
        return self.blob

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> bytes:
        """Its signature, or a wrong one; an error would end the whole connection."""
        try:
            with SshAgent(self.seconds) as agent:
                return agent.sign(self.blob, data, algorithm or "", self.seconds)
        except (OSError, ValueError, struct.error) as error:
            self.refusal = str(error)
            self.silent = isinstance(error, TimeoutError)
            return packed((algorithm or self.get_name()).encode(), bytes(64))


def kind_of(blob: bytes) -> str:
    """What a public key, or a certificate, says it is; raises struct.error for what is none."""
    (length,) = struct.unpack_from(">I", blob)
    return blob[4 : 4 + length].decode("ascii", "replace")
