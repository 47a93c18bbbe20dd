"""postgresql.fence: make it impossible for the old primary to write, and prove it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from pydantic import Field

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.postgresql.by_hand import log_in, on_host, processes, stop
from drtool.actions.postgresql.fence_paths import (
    FenceSeen,
    PathSeen,
    fence_by_power,
    fence_over_ssh,
    look_at_power,
    look_over_ssh,
    seen_by,
    what_listens,
)
from drtool.actions.postgresql.listener import held_against_its_port, reason_elsewhere
from drtool.actions.postgresql.sides import other_side, place_of, system_at
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.postgresql_host import PostgresqlHostHands, PostgresqlHostReader
from drtool.connections.reach import Reader
from drtool.connections.redfish import PowerHands, PowerReader
from drtool.connections.typed import connects, switch_off, typed
from drtool.errors import BadInput, DrtoolError, Refused, StepFailed
from drtool.model.change import Change
from drtool.model.inventory import FencePath, Postgresql
from drtool.model.proof import Proof, ProofKind
from drtool.model.purpose import Purpose
from drtool.units import Duration

_KINDS = {"ssh": ProofKind.PROCESSES, "power": ProofKind.POWER}


class Fence(StateAction[FenceSeen]):
    """Stop the old primary by the first path that works, and show that it stays stopped.

    ``paths`` default to the inventory's; they share the deadline evenly. Over SSH the server is
    drained for ``drain``: no new sessions, a fast stop, its standbys get what it has; then all
    that is left of it is killed. ``standby.signal`` keeps it a standby whoever starts it again.
    """

    purpose: ClassVar[Purpose] = Purpose.FENCE
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "postgresql"
    default_deadline: ClassVar[Duration] = Duration(60)

    paths: tuple[FencePath, ...] | None = Field(
        default=None, description="How, tried in this order; default: the inventory's fence."
    )
    drain: Duration = Field(
        default=Duration(3), description="How long a fast stop may take before it is killed."
    )
    max_age: Duration = Field(default=Duration(300), description="How long its proof holds.")

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """A reader and a writer for each path."""
        place = place_of(facts)
        wanted: dict[str, list[tuple[type[Reader], str]]] = {
            "ssh": [(PostgresqlHostReader, str(place)), (PostgresqlHostHands, str(place))],
            "power": [(kind, system_at(facts, place).host) for kind in (PowerReader, PowerHands)],
        }
        return [pair for path in self._paths(facts) for pair in wanted[path]]

    def observe(self, look: Look) -> FenceSeen:
        """What each path shows, side by side; a path that does not answer is data."""
        facts, paths = look.facts, self._paths(look.facts)
        with ThreadPoolExecutor(3, thread_name_prefix="fence") as pool:
            ssh = pool.submit(self._over_ssh, look) if "ssh" in paths else None
            power = pool.submit(look_at_power, look, None) if "power" in paths else None
            listening = pool.submit(what_listens, facts)
            seen = {
                "ssh": ssh.result() if ssh else None,
                "power": power.result() if power else None,
            }
        found = tuple(path for name in paths if (path := seen[name]) is not None)
        return seen_by(look, self._how(facts), found, answering=bool(listening.result()))

    def changes(self, seen: FenceSeen) -> list[Change]:
        """One, until a path proves the fence or a human's word stands for it."""
        if seen.proving is not None or seen.accepted_statement:
            return []
        before = "able to write" if seen.able_to_write else "not shown fenced"
        return [Change(subject=f"postgresql {seen.place}", before=before, after=seen.how)]

    def reason_not_to_apply(self, seen: FenceSeen, facts: Facts) -> str | None:
        """Another tool is in charge there, or it is another cluster."""
        del facts
        return next((path.refusal for path in seen.paths if path.refusal), None)

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Try each path in its order until one has fenced the server.

        Raises StepFailed with what each path is short of, Refused for another cluster.
        """
        del changes
        paths = self._paths(hands.facts)
        left = hands.facts.seconds_left
        share = (self.default_deadline.seconds if left is None else left) / len(paths)
        short = []
        for path in paths:
            missing = self._try(path, hands, share)
            if not missing:
                return
            short.append(f"{path}: {missing}")
        stated = hands.facts.statement
        if stated is not None and (alive := what_listens(hands.facts)):
            short.append(f"the word of {stated.by} is not taken, for {alive}")
        raise StepFailed(
            f"fence of {place_of(hands.facts)}", "; ".join(short), "one path that proves it"
        )

    def proofs(self, seen: FenceSeen, facts: Facts) -> list[Proof]:
        """The proving path's, or the human's word, which is no proof and says so."""
        path = seen.proving
        if path is not None:
            return [self._proof(seen, path)]
        if not seen.accepted_statement:
            return []
        return [
            Proof(
                kind=ProofKind.STATEMENT,
                subject=seen.place,
                identity="",
                evidence=f"not proven; {seen.stated_by} states: {seen.stated_because}",
                at=seen.stated_at or facts.started,
                max_age=self.max_age,
            )
        ]

    def unseen(self, seen: FenceSeen, proofs: Sequence[Proof]) -> bool:
        """Whether nothing is seen at work, and no path that gave a proof answers."""
        gave = {proof.kind for proof in proofs}
        answers = any(path.reachable and _KINDS[path.path] in gave for path in seen.paths)
        return not seen.able_to_write and not answers

    def by_hand(self, facts: Facts) -> list[str]:
        """Stop it, kill what is left, keep it down; or cut its power; or make sure yourself."""
        place = place_of(facts)
        server, paths = system_at(facts, place), self._paths(facts)
        host = facts.inventory.hosts.get(server.host)
        power = host.power if host and "power" in paths else None
        lines = self._over_ssh_by_hand(facts, server) if "ssh" in paths else []
        if power is not None:
            also = _also(host.also_runs if host else ())
            lines.append(f"{'If that cannot be done, c' if lines else 'C'}ut its power{also}:")
            lines += switch_off(power)
        return [
            *lines,
            typed(connects(server.address or "", server.port)),
            "It must say that it does not connect.",
            "If none of this can be done, pull the plug, or be sure by other means: write it down.",
        ]

    def _over_ssh_by_hand(self, facts: Facts, server: Postgresql) -> list[str]:
        commands = [
            f"touch {server.data_directory}/standby.signal",
            stop(server, self.drain.seconds),
            processes(server, "kill -9 $p"),
            processes(server),
        ]
        last = "Repeat the last two until nothing is printed: then it is fenced."
        return ["Over SSH:", log_in(facts, server), *on_host(server, commands), last]

    def _over_ssh(self, look: Look) -> PathSeen:
        return held_against_its_port(look, look_over_ssh(look, self._identity(look)))

    def _identity(self, look: Look) -> str | None:
        """Which cluster it must be: the inventory's word, else the standby's."""
        known = system_at(look.facts, place_of(look.facts)).system_identifier
        if known is not None:
            return known
        try:
            standby = look.reach(PostgresqlReader, str(other_side(look.facts)))
            return standby.replication().system_identifier
        except DrtoolError:
            return None

    def _try(self, path: FencePath, hands: Hands, seconds: float) -> str:
        """Use one path; what it is short of, or ""."""
        try:
            if path == "power":
                return fence_by_power(hands, seconds)
            identity = self._identity(hands)
            if identity is None:
                return "it is not known which system_identifier the old primary has"
            short = fence_over_ssh(hands, identity, self.drain.seconds, seconds)
            if short or not reason_elsewhere(hands, identity, running=False):
                return short
            return self._over_ssh(hands).trouble  # a supervisor may have started a standby
        except Refused:
            raise
        except DrtoolError as error:
            return error.line()

    def _proof(self, seen: FenceSeen, path: PathSeen) -> Proof:
        return Proof(
            kind=_KINDS[path.path],
            subject=seen.place,
            identity=path.identity,
            evidence=path.evidence,
            at=seen.at,
            max_age=self.max_age,
            durable=path.durable,
            final_position=path.final_position,
        )

    def _paths(self, facts: Facts) -> tuple[FencePath, ...]:
        paths = self.paths or system_at(facts, place_of(facts)).fence
        if not paths:
            raise BadInput(f"step {facts.step}", "has no path to fence by", "paths: [ssh, power]")
        return paths

    def _how(self, facts: Facts) -> str:
        """What is done, path by path, and whom else that hits."""
        system = system_at(facts, place_of(facts))
        host = facts.inventory.hosts.get(system.host)
        texts = {
            "ssh": f"stopped over SSH on {system.host} with standby.signal",
            "power": f"{system.host} powered off{_also(host.also_runs if host else ())}",
        }
        return ", else ".join(texts[path] for path in self._paths(facts))


def _also(others: tuple[str, ...]) -> str:
    """What else a power cut ends."""
    return f" (which also ends {', '.join(others)})" if others else ""
