"""Write the reference pages that come from the code: ``python docs/generate.py [--check]``.

With ``--check`` nothing is written, and the exit code is 1 when a page is not what the code says.
"""

from __future__ import annotations

import sys
from pathlib import Path

from command_page import commands
from event_page import events
from fault_page import fault_page
from inventory_keys import inventory_keys
from promise_page import promise_page
from screens import screens
from tables import noted, one_line, table, text, value, without_empty

from drtool.action import Entry, seen_type
from drtool.catalog import Catalog, is_one_way, kind_of
from drtool.verbs.type_words import type_in_words

REFERENCE = Path(__file__).parent / "reference"

ABOUT_ACTIONS = """\
What a step can name. An **action** looks, says what it would change, changes it and looks again;
a **command** is applied once; a **check** only reads; a **notice** tells somebody.
`drtool actions NAME` prints the same at the terminal, foreign ones included.
"""


def actions() -> str:
    """All actions, checks and notices, by technology."""
    catalog = Catalog.load()
    entries = {name: catalog.get(name) for name in catalog.names()}
    technologies = list(dict.fromkeys(name.partition(".")[0] for name in entries))
    parts = [
        "# Actions, checks and notices\n",
        ABOUT_ACTIONS,
    ]
    for technology in technologies:
        own = {name: e for name, e in entries.items() if name.startswith(f"{technology}.")}
        parts.append(f"## {technology}\n")
        parts.append(table(("name", "kind", "what it does"), (
            (f"[`{name}`](#{_anchor(name)})", kind_of(entry).value, _first(entry))
            for name, entry in own.items()
        )))  # fmt: skip
        parts += [_action(name, entry) for name, entry in own.items()]
    return "\n".join(parts)


def _action(name: str, entry: type[Entry]) -> str:
    kind = kind_of(entry).value
    facts = [f"{kind}, for {entry.purpose.value}", f"deadline {entry.default_deadline}"]
    facts.append(f"`at` a {entry.target.value}" if entry.target.value != "none" else "no `at`")
    if kind in {"action", "command"}:
        facts.append("one-way" if is_one_way(entry) else "can be taken back")
    if entry.from_outside:
        facts.append("sees the service as a customer does")
    parts = [f"### `{name}`\n", f"*{', '.join(facts)}*\n", text(entry) + "\n"]
    if entry.model_fields:
        parts.append(_fields(entry))
    seen = seen_type(entry)
    if seen is not None and seen.model_fields:
        given = ", ".join(f"`{field}`" for field in seen.model_fields)
        parts.append(f"Later steps may use {given}, as in `{{{{ steps.NAME.FIELD }}}}`.\n")
    return "\n".join(parts)


def _fields(model: type[Entry]) -> str:
    rows = (
        (
            f"`{name}`",
            f"`{type_in_words(field.annotation)}`",
            "**required**" if field.is_required() else value(field.get_default()),
            one_line(field.description),
        )
        for name, field in model.model_fields.items()
    )  # fmt: skip
    return without_empty(("field", "type", "default", "what it is"), rows, "default")


def _first(model: type) -> str:
    return text(model).partition("\n")[0]


def _anchor(name: str) -> str:
    return name.replace(".", "")


PAGES = {
    "actions.md": actions,
    "cli.md": commands,
    "events.md": events,
    "explain.md": screens,
    "faults.md": fault_page,
    "inventory.md": inventory_keys,
    "../explanation/promises.md": promise_page,
}


def main() -> int:
    """Write or check all pages; 1 when a page differed and was not to be written."""
    differ = []
    for name, make in PAGES.items():
        page, written = REFERENCE / name, noted(make())
        if not page.exists() or page.read_text(encoding="utf-8") != written:
            differ.append(name)
            if "--check" not in sys.argv:
                page.write_text(written, encoding="utf-8")
    if differ and "--check" in sys.argv:
        print(f"docs/reference: {', '.join(differ)} differ from the code; run: make docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
