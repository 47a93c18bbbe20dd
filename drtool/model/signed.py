"""What a person has signed, and what they brought along."""

from __future__ import annotations

from drtool.model.public_key import fingerprint_of
from drtool.model.value import Name, Value

NAMESPACE = "drtool-approval@v1"
"""What the signatures are for, as ``ssh-keygen -Y verify -n`` is given it; never changed."""


class Signed(Value):
    """A text, and a person's signature of it as ``ssh-keygen -Y sign`` writes one.

    ``key`` is the public one, ``TYPE BASE64``.
    """

    by: Name
    key: str
    message: str
    signature: str

    @property
    def fingerprint(self) -> str:
        """The key's, as ``ssh-keygen -l`` shows it."""
        return fingerprint_of(self.key)


class Evidence(Value):
    """A file that shows that work was done: its name, size in bytes and SHA-256.

    ``stored`` is where the copy lies. Nothing in it is masked: it may be of any kind.
    """

    name: str
    size: int
    sha256: str
    stored: str = ""
