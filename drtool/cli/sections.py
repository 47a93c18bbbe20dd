"""The verbs of drtool in the order in which somebody needs them."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

SECTIONS = {
    "Move a service": ("failover", "switchover", "failback", "reprotect"),
    "While a run goes on": (
        *("status", "explain", "attach", "approve", "deny", "confirm", "state", "abort"),
        *("pause", "continue", "retry", "skip", "unwind", "escalate", "resume"),
    ),
    "Before and after": ("doctor", "plan", "runs", "report", "journal", "freeze", "thaw"),
    "Services that run on": ("heartbeat", "watch", "server"),
    "Write and carry runbooks": ("init", "lint", "actions", "schema", "notify", "bundle"),
    "Practise": ("lab",),
}


class Sentences(TyperGroup):
    """Lists its commands in the order of their making, each with its whole first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one list; the types are of typer's own copy of click."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, _sentence(one.help)) for name, one in self.commands.items()])


class Sections(TyperGroup):
    """Lists the commands section by section, each with its whole first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one list for each section; the types are of typer's own copy of click."""
        del ctx
        width = max(map(len, self.commands))
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(name.ljust(width), _sentence(self.commands[name].help)) for name in names]
                )


def _sentence(text: str | None) -> str:
    return (text or "").partition("\n\n")[0].replace("\n", " ")
