"""Make a bundle of runbooks, and check one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from drtool.bundle import archive
from drtool.bundle.archive import TOP, Archived, File
from drtool.bundle.lock import needed, read_lock
from drtool.bundle.material import Material, collect
from drtool.bundle.own_wheel import OwnWheel, own_wheel
from drtool.bundle.readme import python_wanted, readme
from drtool.bundle.secrecy import faults_of
from drtool.bundle.wheels import gather, requirements
from drtool.catalog import Catalog
from drtool.errors import BadInput, Faults
from drtool.model.value import Value
from drtool.runbook.load import Loaded, load
from drtool.shipped import shipped
from drtool.verbs.documents import runbooks_below

# What the lab needs is asked for by name; no runbook does.
_LAB = "lab"


class Bundled(Value):
    """A bundle: the archive, what Python it is for, its extras, and what to bring besides."""

    archive: Archived
    python: str
    extras: tuple[str, ...]
    bring: tuple[str, ...]

    def text(self) -> str:
        """What was made, what is not in it, and what to type there."""
        lines = [
            self.archive.text(),
            f"for {self.python}; extras: {', '.join(self.extras) or 'none'}",
            *(["to be brought separately, as its README.md says:"] if self.bring else []),
            *(f"  {line}" for line in self.bring),
            "copy it to each place, and there:",
            f"  tar xzf {Path(self.archive.path).name} && sh {TOP}/install.sh",
        ]
        return "\n".join(lines)


def make_bundle(
    paths: list[Path], out: Path, *, wheels: Path | None, extras: tuple[str, ...]
) -> Bundled:
    """Write the bundle; raises BadInput or Faults, and then there is none."""
    material = collect(_load(paths))
    faults = faults_of(material)
    if faults:
        raise Faults(tuple(faults))
    with tempfile.TemporaryDirectory(prefix="drtool-bundle-") as work:
        own_place, place = Path(work, "own"), Path(work, "wheels")
        own_place.mkdir()
        place.mkdir()
        own = own_wheel(own_place)
        chosen = _extras(own, material, extras)
        required = _gather(own, chosen, wheels, place)
        files = [
            *material.files.values(),
            *(File(f"wheels/{wheel.name}", wheel) for wheel in place.iterdir()),
            *_documentation(),
            required,
            readme(own.version, chosen, material),
            installer(chosen),
        ]
        written = archive.write(out, files)
    bring = tuple(sorted(material.bring))
    return Bundled(
        archive=written, python=python_wanted(), extras=tuple(sorted(chosen)), bring=bring
    )


def verify_bundle(path: Path) -> Archived:
    """Check a bundle against its manifest; raises Faults with all that differs."""
    return archive.verify(path)


def _load(paths: list[Path]) -> list[Loaded]:
    catalog = Catalog.load()
    loaded: list[Loaded] = []
    faults: list[str] = []
    for runbook in [runbook for path in paths for runbook in runbooks_below(path)]:
        try:
            loaded.append(load(runbook, None, catalog))
        except Faults as error:
            faults += error.lines
    if faults:
        raise Faults(tuple(faults))
    if not loaded:
        raise BadInput(", ".join(map(str, paths)) or "bundle", "no runbook there")
    return loaded


def _extras(own: OwnWheel, material: Material, asked: tuple[str, ...]) -> frozenset[str]:
    unknown = sorted(set(asked) - own.extras)
    if unknown:
        known = ", ".join(sorted(own.extras))
        raise BadInput(f"--extras {','.join(unknown)}", "drtool has no such extra", known)
    return own.extras & (material.words - {_LAB} | set(asked))


def _gather(own: OwnWheel, extras: frozenset[str], stock: Path | None, into: Path) -> File:
    """Put all wheels into a directory; gives what ``install.sh`` installs of them."""
    lock = read_lock(shipped("requirements.lock").read_text(encoding="utf-8"))
    pins = needed(lock, own.needs(extras))
    gather(own, extras, pins, stock, into)
    required = requirements(own, extras, (pin.text for pin in pins))
    return File("requirements.txt", required.encode())


def _documentation() -> Iterator[File]:
    docs = shipped("docs")
    for page in docs.rglob("*.md"):
        yield File(f"docs/{page.relative_to(docs).as_posix()}", page)


def installer(extras: frozenset[str]) -> File:
    """The script that installs what lies beside it."""
    text = (Path(archive.__file__).parent / "install.sh").read_text(encoding="utf-8")
    text = text.replace("@PYTHON@", python_wanted()).replace("@EXTRAS@", ",".join(sorted(extras)))
    return File("install.sh", text.encode(), program=True)
