"""What a shell is offered for a word that is being typed; a heavy import would be felt."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import typer

_DEEP, _MOST, _HEAD = 4, 2000, 4096
_SKIPPED = {"node_modules", "__pycache__"}
_PROCEDURES = (
    *("failover", "switchover", "reprotect", "failback"),
    *("rehearsal", "drain", "lose", "refill"),
)


def runbooks(incomplete: str) -> list[str]:
    """Runbooks at and below what is typed so far."""
    return [path for path in _documents(incomplete) if re.search(r"(?m)^runbook:", _head(path))]


def inventories(incomplete: str) -> list[str]:
    """Inventories at and below what is typed so far."""
    return [path for path in _documents(incomplete) if re.search(r"(?m)^sites:", _head(path))]


def documents(incomplete: str) -> list[str]:
    """Runbooks, and the directories that hold them."""
    found = runbooks(incomplete)
    return sorted({*found, *(os.path.dirname(path) for path in found if "/" in path)})  # noqa: PTH120 - text


def procedures(context: typer.Context, incomplete: str) -> list[str]:
    """The procedures of the runbook that was typed; all, while it cannot be read."""
    known = keys_under(_text(context.params.get("runbook")), "procedures") or _PROCEDURES
    return [name for name in known if name.startswith(incomplete)]


def sites(context: typer.Context, incomplete: str) -> list[str]:
    """The sites of the inventory that was named, or that the runbook names."""
    # an option that still wants its value keeps the words before it from being told apart
    runbook = context.params.get("runbook") or next(iter(context.args), None)
    inventory = context.params.get("inventory")
    if not inventory and runbook:
        named = re.search(r"(?m)^inventory: *[\"']?([^\"'\s]+)", _text(runbook))
        inventory = Path(str(runbook)).parent / named[1] if named else None
    return [name for name in keys_under(_text(inventory), "sites") if name.startswith(incomplete)]


def services(context: typer.Context, incomplete: str) -> list[str]:
    """The services of the inventory that was typed."""
    known = keys_under(_text(context.params.get("inventory")), "services")
    return [name for name in known if name.startswith(incomplete)]


def runs(incomplete: str) -> list[str]:
    """The newest run ids."""
    from drtool.journal.home import home, journal_path
    from drtool.journal.names import newest_runs

    known = ["last", *newest_runs(journal_path(home()))]
    return [name for name in known if name.startswith(incomplete)]


def steps(context: typer.Context, incomplete: str) -> list[str]:
    """The steps of the run that have asked somebody."""
    from drtool.journal.home import home, journal_path
    from drtool.journal.names import steps_asked

    known = steps_asked(journal_path(home()), str(context.params.get("run") or "last"))
    return [name for name in known if name.startswith(incomplete)]


def plan_steps(context: typer.Context, incomplete: str) -> list[str]:
    """All steps of the run, in the plan's order."""
    from drtool.journal.home import home, journal_path
    from drtool.journal.names import steps_planned

    known = steps_planned(journal_path(home()), str(context.params.get("run") or "last"))
    return [name for name in known if name.startswith(incomplete)]


def actions(incomplete: str) -> list[str]:
    """The names of the actions that are installed."""
    from importlib.metadata import entry_points

    names = {point.name for point in entry_points(group="drtool.actions")}
    return sorted(name for name in names if name.startswith(incomplete))


def engines(incomplete: str) -> list[str]:
    """What can carry the steps."""
    return [name for name in ("auto", "prefect", "direct") if name.startswith(incomplete)]


def forms(incomplete: str) -> list[str]:
    """The forms that a plan can be shown in."""
    return [name for name in ("table", "json", "mermaid", "svg") if name.startswith(incomplete)]


def keys_under(text: str, key: str) -> list[str]:
    """The keys of one mapping of a document, as far as it is written line by line."""
    block = re.search(rf"(?m)^{key}:[^\S\n]*(?:#.*)?\n((?:[^\S\n]+.*\n|[^\S\n]*(?:#.*)?\n)*)", text)
    if not block:
        return []
    first = re.search(r"(?m)^([^\S\n]+)[a-z]", block[1])
    return re.findall(rf"(?m)^{first[1]}([a-z][a-z0-9_]*):", block[1]) if first else []


def _documents(incomplete: str) -> Iterator[str]:
    """The YAML files that the word may become."""
    directory, _, begin = incomplete.rpartition("/")
    prefix = f"{directory}/" if directory or incomplete.startswith("/") else ""
    waiting, seen = [(prefix, 1)], 0
    while waiting:
        where, depth = waiting.pop(0)
        for entry in sorted(_entries(where), key=lambda one: one.name):
            path, seen = f"{where}{entry.name}", seen + 1
            hidden = entry.name.startswith(".") or entry.name in _SKIPPED
            if seen > _MOST or hidden or not path.startswith(prefix + begin):
                continue
            if entry.is_dir() and depth < _DEEP:
                waiting.append((f"{path}/", depth + 1))
            elif entry.name.endswith((".yaml", ".yml")):
                yield path


def _entries(where: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(os.path.expanduser(where) or ".") as found:  # noqa: PTH111 - text
            return list(found)
    except OSError:
        return []


def _head(path: str) -> str:
    try:
        with Path(path).expanduser().open(encoding="utf-8", errors="replace") as file:
            return file.read(_HEAD)
    except OSError:
        return ""


def _text(path: object) -> str:
    try:
        return Path(str(path)).expanduser().read_text(encoding="utf-8") if path else ""
    except (OSError, UnicodeDecodeError):
        return ""
