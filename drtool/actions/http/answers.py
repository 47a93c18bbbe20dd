"""Whether a service answers, as a customer would ask it."""

from __future__ import annotations

import shlex
from typing import Literal

from pydantic import Field

from drtool.action import Check, Facts, Look
from drtool.actions.http.page import URL, curl_limits, page, reason_not_expected
from drtool.connections.http import HttpReader, Reply
from drtool.connections.reach import Reader
from drtool.connections.typed import typed
from drtool.model.inventory import Plain, Text
from drtool.model.purpose import Purpose
from drtool.units import Duration


class Answers(Check[Reply]):
    """The service answers a GET or HEAD with the status and the text that it should.

    It is asked through its own name, at the address that the zone's servers give, over a new
    connection; redirections are not followed. An answer proves no write: a page may come from a
    cache, so a service that takes writes wants ``http.writes`` as well.
    """

    purpose = Purpose.VERIFY
    from_outside = True

    url: Plain | None = Field(default=None, description=URL)
    path: str = Field(default="", pattern=r"^(/\S*)?$", description="What to ask for.")
    method: Literal["GET", "HEAD"] = Field(default="GET", description="How it is asked.")
    status: tuple[int, ...] = Field(default=(200,), description="The codes that are right.")
    contains: tuple[Text, ...] = Field(default=(), description="Texts that the body must have.")
    lacks: tuple[Text, ...] = Field(
        default=(), description="Texts that the body must not have, in any case of letters."
    )
    timeout: Duration = Field(default=Duration(2), description="How long one try may take.")
    ca_file: Plain | None = Field(
        default=None, description="The authority to believe; default: the machine's own."
    )

    def observe(self, look: Look) -> Reply:
        """Ask once."""
        reader = look.reach(HttpReader, "")
        ask = reader.get if self.method == "GET" else reader.head
        return ask(page(look.facts, self.url, self.path), self.timeout.seconds, self.ca_file)

    def judge(self, seen: Reply, facts: Facts) -> str | None:
        """Status, then what must be there, then what must not."""
        del facts
        return reason_not_expected(seen, self.status, self.contains, self.lacks)

    def by_hand(self, facts: Facts) -> list[str]:
        """The command that asks, and what to look for."""
        words = ["curl", "-sSi", *(["-I"] if self.method == "HEAD" else [])]
        words += curl_limits(self.timeout, self.ca_file)
        wanted = " or ".join(str(code) for code in self.status)
        return [
            typed(shlex.join([*words, page(facts, self.url, self.path)])),
            f"The status must be {wanted}{self._texts()}.",
        ]

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The means to ask."""
        del facts
        return [(HttpReader, "")]

    def _texts(self) -> str:
        there = "".join(f", {text!r} must be there" for text in self.contains)
        return there + "".join(f", {text!r} must not be there" for text in self.lacks)
