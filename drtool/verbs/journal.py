"""Show that the journal is what was written, or what of it is not."""

from __future__ import annotations

import json
from pathlib import Path

from drtool.bootstrap import App, build
from drtool.errors import BadInput
from drtool.journal.chain import Head
from drtool.journal.home import journal_path
from drtool.journal.store import Journal
from drtool.model.value import Value

_REPORT = "report of run "


class ExportedHead(Value):
    """The head of a journal, to be kept where nobody who can write to the journal can write."""

    journal: str = ""
    seq: int
    sha256: str

    def text(self) -> str:
        """The head as it is kept: one line."""
        return self.model_dump_json() + "\n"

    def write(self, path: Path) -> None:
        """Keep it in a file; raises BadInput when it cannot be written."""
        try:
            path.write_text(self.text(), encoding="utf-8")
        except OSError as error:
            raise BadInput(f"head {path}", f"cannot be written: {error.strerror}") from error


class Verified(Value):
    """What was found of a journal: its head, how much it holds, its faults, the heads compared."""

    path: str
    head: ExportedHead
    runs: int
    compared: tuple[str, ...]
    faults: tuple[str, ...]

    def text(self) -> str:
        """For people; one line when it is whole."""
        if not self.faults:
            return (
                f"{self.path} is whole: {self.head.seq} entries of {self.runs} "
                f"run{'s' * (self.runs != 1)}, as "
                f"{_witnesses(self.compared)}\nhead {self.head.seq} {self.head.sha256}"
            )
        return f"{self.path} is not what was written:\n" + "\n".join(
            f"  {fault}" for fault in self.faults
        )


def _witnesses(compared: tuple[str, ...]) -> str:
    """What says the same as the journal; its reports are counted, there are as many as runs."""
    reports = sum(one.startswith(_REPORT) for one in compared)
    named = ["its " * (one == "anchor") + one for one in compared if not one.startswith(_REPORT)]
    named += [f"{reports} report{'s' * (reports != 1)}"] * (reports > 0)
    *some, last = named
    said = f"{', '.join(some)} and {last}" if some else last
    return f"{said} say{'s' * (not some)}"


def head() -> ExportedHead:
    """The journal's head; raises JournalUnusable for a journal that is not whole."""
    journal = build().records()
    found = _head_of(journal)
    journal.close()
    return found


def verify(files: tuple[Path, ...] = ()) -> Verified:
    """Compare the journal with its chain, its anchor, its own reports and exported heads.

    ``files`` hold heads, or are reports in JSON. Raises BadInput for a file that holds no head,
    JournalUnusable when there is no journal that could be looked at.
    """
    app = build()
    exported = {f"head in {file}": _read(file) for file in files}
    journal = _damaged_too(app)
    strange = [
        f"the {holder} is of journal {one.journal}, this is {journal.identity}"
        for holder, one in exported.items()
        if one.journal not in {"", journal.identity}
    ]
    heads = _reported(app) | {
        holder: Head(one.seq, one.sha256)
        for holder, one in exported.items()
        if one.journal in {"", journal.identity}
    }
    found = Verified(
        path=str(journal.path),
        head=_head_of(journal),
        runs=len(journal.runs()),
        compared=("anchor", *heads),
        faults=(*strange, *journal.verify(heads)),
    )
    journal.close()
    return found


def _damaged_too(app: App) -> Journal:
    return Journal.open(
        journal_path(app.home), app.clock, app.redactor,
        create=False, read_only=True, damaged_too=True,
    )  # fmt: skip


def _head_of(journal: Journal) -> ExportedHead:
    last = journal.head()
    return ExportedHead(journal=journal.identity, seq=last.seq, sha256=last.sha256)


def _read(file: Path) -> ExportedHead:
    """The head that a file holds: one that was exported, or that of a report."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        report = isinstance(found, dict) and isinstance(found.get("journal"), dict)
        return ExportedHead.model_validate(found["journal"] if report else found)
    except OSError as error:
        raise BadInput(f"--head {file}", f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(
            f"--head {file}",
            "holds no head of a journal",
            "what drtool journal head or drtool report --json has written",
        ) from error


def _reported(app: App) -> dict[str, Head]:
    """The heads that the reports of this home name."""
    heads = {}
    for file in sorted(app.reports.glob("*.json")):
        try:
            one = _read(file)
        except BadInput:
            continue
        heads[f"{_REPORT}{file.stem}"] = Head(one.seq, one.sha256)
    return heads
