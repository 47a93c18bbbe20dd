"""What actions and checks over HTTP have in common: the URL, the reply judged."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import JsonValue

from drtool.action import Facts
from drtool.connections.http import Reply
from drtool.errors import BadInput
from drtool.model.inventory import Inventory
from drtool.units import Duration

URL = "The service's address; default: the inventory's url of the service."
LONGEST_QUOTE = 120
# fields of a JSON reply by which services say that something went wrong, whatever the status
_SAYS_ERROR = frozenset({"error", "errors", "exception", "fault"})
_SAYS_WELL = frozenset({"ok", "success"})


def page(facts: Facts, url: str | None, path: str) -> str:
    """The URL of a path; raises BadInput when the service has no URL."""
    found = url or facts.inventory.services[facts.service].url
    if not found:
        raise BadInput(
            f"service {facts.service}",
            "the inventory names no url for it",
            hint=f"write services.{facts.service}.url, or the step's url",
        )
    return found.rstrip("/") + path


def curl_limits(timeout: Duration, ca_file: str | None) -> list[str]:
    """What curl is told besides the request."""
    return ["-m", f"{timeout.seconds:g}", *(["--cacert", ca_file] if ca_file else [])]


def reason_not_expected(
    reply: Reply, status: tuple[int, ...], contains: tuple[str, ...], lacks: tuple[str, ...]
) -> str | None:
    """A sentence when a reply is not what was asked for."""
    subject = f"{reply.method} {reply.url} at {reply.address}"
    if reply.status not in status:
        wanted = " or ".join(str(code) for code in status)
        return f"{subject} answered {reply.status}{_quote(reply)}, expected {wanted}"
    for text in contains:
        if text not in reply.body:
            return f"{subject} answered {reply.status} without {text!r}{_quote(reply)}"
    for text in lacks:
        if text.lower() in reply.body.lower():
            return f"{subject} answered {reply.status}, but its body says {text!r}{_quote(reply)}"
    return None


def error_told(reply: Reply) -> str | None:
    """The field of a JSON reply that says that something went wrong; None when none does."""
    try:
        said = json.loads(reply.body)
    except ValueError:
        return None
    for name, value in said.items() if isinstance(said, dict) else ():
        if (name.lower() in _SAYS_ERROR and value) or (
            name.lower() in _SAYS_WELL and value is False
        ):
            return f"{name}: {json.dumps(value)[:LONGEST_QUOTE]}"
    return None


def other_site_named(reply: Reply, inventory: Inventory, expected: str) -> str | None:
    """Another site that a JSON reply names, by its name or address, as the one that answered."""
    try:
        told = set(_texts(json.loads(reply.body)))
    except ValueError:
        return None
    for name, site in inventory.sites.items():
        if name != expected and told & {name, site.address}:
            return name
    return None


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            if isinstance(part, str):
                yield part


def _quote(reply: Reply) -> str:
    text = " ".join(reply.body.split())
    if not text:
        return ""
    return f": {text[:LONGEST_QUOTE]}{'...' if len(text) > LONGEST_QUOTE else ''}"
