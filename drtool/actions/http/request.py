"""One request that may change something."""

from __future__ import annotations

import json
import shlex
from typing import Literal

from pydantic import Field, JsonValue

from drtool.action import Command, Facts, Hands
from drtool.actions.http.page import URL, curl_limits, page, reason_not_expected
from drtool.connections.http import HttpHands, Reply
from drtool.connections.reach import Reader
from drtool.connections.typed import quoted, secret, typed
from drtool.errors import StepFailed
from drtool.model.change import Change
from drtool.model.inventory import Plain, Text
from drtool.model.purpose import Purpose
from drtool.model.secret import SecretRef
from drtool.units import Duration


class Request(Command[Reply]):
    """Send one request, once; done when it was answered as declared.

    It carries an ``Idempotency-Key`` made of run and step, so that a server which knows the
    header does not do twice what is sent twice. A request whose reply is lost is in doubt: a
    human is asked, unless the step says ``repeatable: true``. A refused connection was
    certainly not sent and is tried again.
    """

    purpose = Purpose.PROVISION

    url: Plain | None = Field(default=None, description=URL)
    path: str = Field(default="", pattern=r"^(/\S*)?$", description="What stands behind the URL.")
    method: Literal["POST", "PUT", "PATCH", "DELETE"] = Field(
        default="POST", description="The method; a GET is a check: http.answers."
    )
    body: JsonValue = Field(
        default=None, description="A text as it is; anything else is sent as JSON."
    )
    headers: dict[str, Text | SecretRef] = Field(
        default={}, description="Header lines; one with a secret as {secret: 'env:NAME'}."
    )
    status: tuple[int, ...] = Field(
        default=(200, 201, 202, 204), description="The codes that mean done."
    )
    contains: tuple[Text, ...] = Field(default=(), description="Texts that the reply must have.")
    lacks: tuple[Text, ...] = Field(default=(), description="Texts that it must not have.")
    timeout: Duration = Field(default=Duration(10), description="How long the reply may take.")
    ca_file: Plain | None = Field(
        default=None, description="The authority to believe; default: the machine's own."
    )

    def preview(self, facts: Facts) -> list[Change]:
        """The request, without headers."""
        body = f" with {self._text()[:200]}" if self.body is not None else ""
        return [
            Change(
                subject=page(facts, self.url, self.path),
                before="as it is",
                after=f"{self.method} sent once{body}",
            )
        ]

    def run(self, hands: Hands) -> Reply:
        """Send it. Raises StepFailed for another answer, InDoubt when no whole reply came."""
        facts = hands.facts
        reply = hands.reach(HttpHands, "").send(
            self.method,
            page(facts, self.url, self.path),
            self._text(),
            content_type="text/plain" if isinstance(self.body, str) else "application/json",
            idempotency_key=f"{facts.run}-{facts.step}",
            headers=self.headers,
            seconds=self.timeout.seconds,
            ca_file=self.ca_file,
        )
        reason = reason_not_expected(reply, self.status, self.contains, self.lacks)
        if reason:
            raise StepFailed(f"step {facts.step}", reason)
        return reply

    def by_hand(self, facts: Facts) -> list[str]:
        """The command that sends it, and what to look for."""
        words = ["curl", "-sSi", "-X", self.method, *curl_limits(self.timeout, self.ca_file)]
        words = [shlex.join(words)]
        words += [f"-H {_header(name, value)}" for name, value in self.headers.items()]
        if self.body is not None:
            if not isinstance(self.body, str):
                words.append("-H 'Content-Type: application/json'")
            words.append(f"-d {quoted(self._text())}")
        wanted = " or ".join(str(code) for code in self.status)
        return [
            typed(" ".join([*words, quoted(page(facts, self.url, self.path))])),
            f"Send it once. The status must be {wanted}.",
        ]

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The means to send."""
        del facts
        return [(HttpHands, "")]

    def _text(self) -> str:
        if self.body is None:
            return ""
        return self.body if isinstance(self.body, str) else json.dumps(self.body)


def _header(name: str, value: str | SecretRef) -> str:
    """One header line as a word of a shell; a secret is filled in by the shell."""
    return quoted(f"{name}: {value}") if isinstance(value, str) else f'"{name}: {secret(value)}"'
