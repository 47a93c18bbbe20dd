"""drtool's own wheel: built from the checkout it runs from, or put together from what is installed.

The wheel that a package was installed from is gone, but its list of files is not: RECORD names
each with its hash, so that the files of an installed drtool make the same wheel again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from dataclasses import dataclass
from importlib.metadata import Distribution, PackagePath, PathDistribution, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from drtool.bundle.pip import pip
from drtool.errors import Faults

# What pip leaves beside what the wheel held.
_PIPS_OWN = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})


@dataclass(frozen=True)
class OwnWheel:
    """drtool's wheel, and what its metadata say."""

    path: Path
    version: str
    extras: frozenset[str]
    requirements: tuple[Requirement, ...]

    def needs(self, extras: frozenset[str]) -> set[str]:
        """The names of the packages that drtool with these extras asks for itself."""
        chosen = self._with_their_own(extras)
        return {one.name for one in self._wanted(chosen) if one.name != "drtool"}

    def _with_their_own(self, extras: frozenset[str]) -> frozenset[str]:
        inner = {
            extra for one in self._wanted(extras) if one.name == "drtool" for extra in one.extras
        }
        return extras if inner <= extras else self._with_their_own(extras | inner)

    def _wanted(self, extras: frozenset[str]) -> list[Requirement]:
        return [
            one
            for one in self.requirements
            if one.marker is None
            or any(one.marker.evaluate({"extra": extra}) for extra in extras | {""})
        ]


def own_wheel(into: Path) -> OwnWheel:
    """The wheel, made in a directory; raises BadInput or Faults when none can be made."""
    installed = distribution("drtool")
    source = _checkout(installed)
    if source is None:
        _put_together(installed, into)
    else:
        pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(into), str(source))
    (path,) = into.glob("drtool-*.whl")
    with zipfile.ZipFile(path) as packed:
        (metadata,) = (name for name in packed.namelist() if name.endswith(".dist-info/METADATA"))
        told = PathDistribution(zipfile.Path(packed, metadata.removesuffix("METADATA")))
        requirements = tuple(Requirement(one) for one in told.requires or ())
        extras = frozenset(map(canonicalize_name, told.metadata.get_all("Provides-Extra") or ()))
        return OwnWheel(path, told.version, extras, requirements)


def _checkout(installed: Distribution) -> Path | None:
    """The directory that an editable drtool runs from."""
    told = json.loads(installed.read_text("direct_url.json") or "{}")
    if not told.get("dir_info", {}).get("editable"):
        return None
    return Path(url2pathname(urlsplit(told["url"]).path))


def _put_together(installed: Distribution, into: Path) -> None:
    files = [file for file in installed.files or () if _is_of_the_wheel(file)]
    changed = [str(file) for file in files if not _is_as_installed(file)]
    if changed or not files:
        lines = [f"drtool: {name} is not as it was installed" for name in sorted(changed)]
        hint = "  hint: install drtool again: pip install --force-reinstall --no-deps drtool"
        raise Faults((*lines, hint) if lines else ("drtool: no list of its files", hint))
    name = f"drtool-{installed.version}-py3-none-any.whl"
    record = f"drtool-{installed.version}.dist-info/RECORD"
    lines = []
    with zipfile.ZipFile(into / name, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(files, key=str):
            content = file.read_binary()
            packed.writestr(_dateless(str(file)), content)
            lines.append(f"{file},sha256={_digest(content)},{len(content)}\n")
        packed.writestr(_dateless(record), "".join([*lines, f"{record},,\n"]))


def _is_of_the_wheel(file: PackagePath) -> bool:
    left_by_pip = file.parent.name.endswith(".dist-info") and file.name in _PIPS_OWN
    return ".." not in file.parts and file.suffix != ".pyc" and not left_by_pip


def _is_as_installed(file: PackagePath) -> bool:
    try:
        content = file.read_binary()
    except OSError:
        return False
    return file.hash is not None and file.hash.value == _digest(content)


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def _dateless(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    return member
