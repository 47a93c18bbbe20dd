"""What runbooks bring into a bundle, and what must be brought separately.

A file goes in only when it is a runbook, an inventory or a README beside a runbook. Of the other
files that these name, certificates and public keys go in; all else stays outside and is listed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path

from pydantic import JsonValue

from drtool.bundle.archive import File
from drtool.catalog import GROUP
from drtool.runbook.blocks import all_steps
from drtool.runbook.document import read_document
from drtool.runbook.load import Loaded
from drtool.runbook.marks import FaultList, bare

_FILE_KEY = re.compile(r"(_file|cert)$")
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----\n?", re.DOTALL)
_CERTIFICATES = {b"CERTIFICATE", b"TRUSTED CERTIFICATE"}
_PUBLIC_KEY = re.compile(rb"^(ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/=]+( [^\n]*)?\n?$")
# Where a document says which technology it speaks to; the names of its keys count too.
_NAMING = frozenset({"action", "check", "notice", "kind", "at"})
# A shorter line of a secret says nothing about it, and a shorter secret stands in any text.
_TELLING, _SHORTEST = 16, 4


@dataclass
class Material:
    """Files for the bundle, what to bring to each place, and what must stay outside.

    ``words`` are those that may name an extra; ``secrets`` are secrets, or telling lines of them,
    each with the name that may be told.
    """

    files: dict[str, File] = field(default_factory=dict)
    bring: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    secrets: set[tuple[str, bytes]] = field(default_factory=set)


def collect(loaded: list[Loaded]) -> Material:
    """The material of runbooks; in the bundle they lie to each other as they do here."""
    material = Material()
    documents = [_absolute(path) for one in loaded for path in _documents(one)]
    shared = Path(os.path.commonpath([document.parent for document in documents]))
    for document in documents:
        place = _place(document, shared)
        material.files[place] = File(place, document)
    for one in loaded:
        directory = _absolute(one.inventory_source).parent
        for path in (one.source, one.inventory_source):
            for key, value in _words(_written(path)):
                _note(material, key, value, _Paths(directory, shared))
        material.bring.update(_foreign(one))
    return material


def _absolute(path: str | Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - takes out "..", and follows no link


def _place(path: Path, shared: Path) -> str:
    return f"runbooks/{path.relative_to(shared).as_posix()}"


def _documents(one: Loaded) -> Iterator[Path]:
    yield Path(one.source)
    yield Path(one.inventory_source)
    readme = Path(one.source).parent / "README.md"
    if readme.is_file():
        yield readme


def _written(path: str) -> JsonValue:
    root = read_document(Path(path), FaultList())
    return bare(root) if root else None


def _words(value: JsonValue, key: str = "") -> Iterator[tuple[str, str]]:
    """Each text with the key that it stands under, and each key with no text."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield name, ""
            yield from _words(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _words(part, key)
    elif isinstance(value, str):
        yield key, value


def _foreign(one: Loaded) -> Iterator[str]:
    """The packages of actions that are not drtool's own: no lock of ours has them."""
    homes = {point.name: point.dist for point in entry_points(group=GROUP)}
    for step in all_steps(one.runbook):
        home = homes.get(step.uses)
        if home is not None and home.name != "drtool":
            yield f"the package {home.name} {home.version}: it brings {step.uses}"


@dataclass(frozen=True)
class _Paths:
    """To what the paths of a document are relative, and where files lie in the bundle."""

    directory: Path
    shared: Path

    def here(self, name: str) -> Path:
        return _absolute(self.directory / Path(name).expanduser())

    def there(self, name: str) -> str | None:
        """Where the document will look for it within the bundle, or None if outside."""
        path = self.here(name)
        inside = path.is_relative_to(self.shared) and not Path(name).expanduser().is_absolute()
        return _place(path, self.shared) if inside else None


def _note(material: Material, key: str, value: str, paths: _Paths) -> None:
    if not value:
        material.words.add(key)
    elif key in _NAMING:
        material.words.add(value.partition(".")[0])
    elif key == "secret":
        _note_secret(material, value, paths)
    elif _FILE_KEY.search(key):
        _note_file(material, key, value, paths)


def _note_secret(material: Material, reference: str, paths: _Paths) -> None:
    """Take note of a secret and, where it can be had, of its value; no command is run for it."""
    source, _, name = reference.partition(":")
    value: bytes | None = None
    if source == "env":
        value = os.environb.get(name.encode())
        wanted = f"the environment variable {name}: a secret"
    elif source == "file":
        value = _content(paths.here(name))
        wanted = f"{paths.there(name) or name}: a secret, mode 0600"
    else:
        wanted = f"what this command needs to give a secret: {name}"
    material.bring.add(wanted)
    _keep_out(material, f"secret {reference}", value or b"")


def _keep_out(material: Material, what: str, secret: bytes) -> None:
    """Remember a secret, whole and by the line; the redactor masks none that is shorter either."""
    whole = secret.strip()
    lines = {line for line in whole.splitlines() if len(line) >= _TELLING}
    material.secrets |= {(what, part) for part in lines | {whole} if len(part) >= _SHORTEST}


def _note_file(material: Material, key: str, name: str, paths: _Paths) -> None:
    content = _content(paths.here(name))
    blocks = list(_PEM.finditer(content or b""))
    if blocks and {block[1] for block in blocks} <= _CERTIFICATES:
        _add_public(material, name, b"".join(block[0] for block in blocks), paths)
        return
    wanted = paths.there(name) or name
    _keep_out(material, f"content of {name}", content or b"")
    secret = key == "key_file" or content is not None
    about = "is or may be secret, mode 0600" if secret else "was not there when this was made"
    material.bring.add(f"{wanted}: {about}")
    public = _content(paths.here(f"{name}.pub"))
    if public is not None and _PUBLIC_KEY.match(public):
        _add_public(material, f"{name}.pub", public, paths)


def _add_public(material: Material, name: str, content: bytes, paths: _Paths) -> None:
    place = paths.there(name)
    if place is None:
        place = f"public{paths.here(name).as_posix()}"
        material.bring.add(f"{name}: copy {place} there")
    material.files[place] = File(place, content)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
