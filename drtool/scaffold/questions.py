"""What is asked of somebody who begins, one question after the other, each judged at once."""

from __future__ import annotations

import getpass
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from drtool.model.value import NAME, Name
from drtool.model.words import HostKey, Plain
from drtool.scaffold.shapes import DEFAULTS, PLAIN, SHAPES
from drtool.units import Duration

Given = Mapping[str, str]
Judge = Callable[[str], str | None]
_DATA_DIRECTORY = "/var/lib/postgresql/17/main"


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to know; ``reason_not_to_take`` judges an answer. No default: it must be said.

    ``key`` names its flag; ``host SITE`` is that site's part of ``--host``.
    """

    key: str
    text: str
    example: str
    default: str | None
    reason_not_to_take: Judge

    @property
    def flag(self) -> str:
        """How the answer is given on the command line."""
        flag, _, name = self.key.partition(" ")
        return f"--{flag.replace('_', '-')}{f' {name}' if name else ''}"


def questions(given: Given, directory: str) -> Iterator[Question]:
    """The questions in their order, each made with what the answers before it say.

    ``given`` may grow while they are asked. ``directory`` is the name that the service may bear.
    """
    like = directory.lower().replace("-", "_")
    yield Question(
        "service",
        "The service's name",
        "orders",
        like if re.fullmatch(NAME, like) else None,
        _reason_not_a_name,
    )
    yield from _about_strategy(given)
    yield Question(
        "site",
        "The two sites with their addresses, the one where it is at home first",
        "east=192.0.2.10 west=198.51.100.10",
        None,
        reason_not_sites,
    )
    yield from _about_clients(given)
    yield from _about_machines(given)
    yield from _about_objectives(given)


def _about_strategy(given: Given) -> Iterator[Question]:
    yield Question(
        "kind",
        "What holds its data: postgresql or none",
        "",
        SHAPES[given["strategy"]].kind if given.get("strategy") in SHAPES else "postgresql",
        _one_of(tuple(DEFAULTS)),
    )
    kind = given.get("kind", "none")
    fitting = {name: shape for name, shape in SHAPES.items() if shape.kind == kind}
    listed = "".join(f"\n  {name}: {shape.about}" for name, shape in fitting.items())
    yield Question(
        "strategy",
        f"How the other site stands by:{listed}\nStrategy",
        "",
        DEFAULTS.get(kind),
        _one_of(tuple(fitting)),
    )


def _about_clients(given: Given) -> Iterator[Question]:
    shape = SHAPES.get(given.get("strategy", ""), SHAPES[PLAIN])
    service = given.get("service", "orders")
    if shape.dns:
        yield Question(
            "endpoint",
            "The DNS name that clients follow",
            f"{service.replace('_', '-')}.example.com",
            None,
            _reason_not_a_domain,
        )
    endpoint = given.get("endpoint")
    yield Question(
        "url",
        "Where the service is asked whether it serves",
        f"http://{endpoint or f'{service}.example.com'}:8080",
        f"http://{endpoint}" if endpoint else None,
        _reason_not_a_url,
    )
    if shape.name == PLAIN:
        yield Question(
            "command",
            "What brings it up at the other site, over SSH",
            "",
            f"sudo -n systemctl start {service}",
            _reason_not_words,
        )


def _about_machines(given: Given) -> Iterator[Question]:
    shape = SHAPES.get(given.get("strategy", ""), SHAPES[PLAIN])
    postgresql = shape.kind == "postgresql"
    sites = given.get("site", "")
    pairs = sites.split() if reason_not_sites(sites) is None else []
    for site, _, address in (pair.partition("=") for pair in pairs):
        what = f"Where {site}_{shape.machines[0]}, the machine at {site}, is reached over SSH"
        yield Question(f"host {site}", what, "", address, _plain)
    who = "postgres" if postgresql else user()
    yield Question("ssh_user", "Who logs in there over SSH", "", who, _plain)
    yield Question("ssh_port", "The port of their SSH servers", "", "22", _reason_not_a_port)
    if postgresql:
        yield Question("data_directory", "PostgreSQL's data directory", "", _DATA_DIRECTORY, _plain)


def _about_objectives(given: Given) -> Iterator[Question]:
    shape = SHAPES.get(given.get("strategy", ""), SHAPES[PLAIN])
    least = Duration.parse(shape.least_rto)
    yield Question("rto", "How long it may be away (RTO)", "15m", shape.rto, _at_least(least))
    if shape.rpo:
        yield Question("rpo", "How much of the newest data may be lost (RPO)", "10s", shape.rpo,
                       _duration)  # fmt: skip
    yield Question("approver", "Who consents to a failover", "", user(), _reason_empty)


def user() -> str:
    """Who sits here."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def reason_not_sites(said: str) -> str | None:
    """Why this is no list of sites, as in ``east=192.0.2.10 west=198.51.100.10``."""
    pairs = [pair.partition("=") for pair in said.split()]
    for name, equals, address in pairs:
        reason = None if equals else f"{name} has no address"
        reason = "a comma stands between them, where a space is wanted" if "," in said else reason
        reason = reason or _reason_not_a_name(name) or _plain(address)
        if reason:
            return f"{reason}; write NAME=ADDRESS"
    names, addresses = {pair[0] for pair in pairs}, {pair[2] for pair in pairs}
    if len(pairs) < 2:
        return "two sites are needed; write NAME=ADDRESS NAME=ADDRESS"
    if len(names) < len(pairs) or len(addresses) < len(pairs):
        return "each site needs a name and an address of its own"
    return None


def reason_not_a_host_key(said: str) -> str | None:
    """Why this is no public key of a host."""
    return _typed(
        HostKey, "is no host key; write it as ssh-keyscan prints it: ssh-ed25519 AAAA..."
    )(said)


def _typed(kind: Any, what: str) -> Judge:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def judge(said: str) -> str | None:
        try:
            adapter.validate_python(said)
        except ValidationError:
            return f"{said!r} {what}"
        return None

    return judge


_reason_not_a_name = _typed(Name, "is no name: small letters, digits, underscores, a letter first")
_plain = _typed(Plain, "has a space in it, or starts with a dash, or is empty")


def _one_of(words: tuple[str, ...]) -> Judge:
    return lambda said: None if said in words else f"{said!r} is not one of {', '.join(words)}"


def _duration(said: str) -> str | None:
    try:
        Duration.parse(said)
    except ValueError as error:
        return str(error)
    return None


def _at_least(least: Duration) -> Judge:
    def judge(said: str) -> str | None:
        reason = _duration(said)
        if reason or Duration.parse(said) >= least:
            return reason
        return f"{said} is less than the {least} that the steps' budgets add up to"

    return judge


def _reason_not_a_url(said: str) -> str | None:
    return None if re.fullmatch(r"https?://\S+", said) else f"{said!r} is no http or https URL"


def _reason_not_a_domain(said: str) -> str | None:
    good = re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+\.?", said) and not said.startswith("-")
    return None if good else f"{said!r} is no DNS name with its zone, as in orders.example.com"


def _reason_not_a_port(said: str) -> str | None:
    return None if said.isdigit() and 0 < int(said) < 65536 else f"{said!r} is no port"


def _reason_not_words(said: str) -> str | None:
    try:
        return None if shlex.split(said) else "an empty command"
    except ValueError as error:
        return f"{said!r} is no command: {error}"


def _reason_empty(said: str) -> str | None:
    return None if said.strip() else "somebody must"
