"""A small world of files and actions on it, for tests of the engine; also run as a process."""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from drtool.action import Check, Command, Entry, Facts, Hands, Look, Notice, StateAction
from drtool.catalog import Catalog
from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.engine.direct import DirectExecutor
from drtool.engine.ports import Executor, Limits, Ports, RunSettings
from drtool.engine.run import Engine
from drtool.errors import InDoubt, Interrupted, LeaseHeld, Reason, StepFailed, Unreachable
from drtool.journal.store import Journal
from drtool.model.change import Change
from drtool.model.event import Event, Request, RunEnded
from drtool.model.inventory import Inventory, Service, Site
from drtool.model.place import Direction, Place
from drtool.model.plan import Approval, Objectives, Plan, PlanStep
from drtool.model.proof import Proof, ProofKind
from drtool.model.purpose import Mode, Procedure, Purpose, StepKind, Strategy
from drtool.model.value import Value
from drtool.progress.run_state import RunState
from drtool.progress.state import fold
from drtool.redact import Redactor
from drtool.units import Duration

FAST = Limits(
    tick=0.02, grace=0.15, unclaimed=0.15, settle=0.03, consent=5.0, preview=0.5, listeners=0.5
)


class World:
    """Keys and values in one file, and each effect as a line of another."""

    def __init__(self, directory: Path) -> None:
        self._state, self._log = directory / "world.json", directory / "effects.log"
        self._lock = threading.Lock()

    def get(self, key: str) -> str:
        return str(self.all().get(key, ""))

    def all(self) -> dict[str, str]:
        return json.loads(self._state.read_text()) if self._state.exists() else {}

    def put(self, key: str, value: str) -> None:
        with self._lock:
            known = self.all() | {key: value}
            fresh = self._state.with_suffix(".new")
            fresh.write_text(json.dumps(known))
            fresh.replace(self._state)

    def effect(self, what: str) -> None:
        with self._lock, self._log.open("a") as log:
            log.write(what + "\n")

    @property
    def effects(self) -> list[str]:
        return self._log.read_text().split() if self._log.exists() else []


class BenchLook(Look):
    """A Look that knows the world of files."""

    def __init__(self, connections: Connections, facts: Facts, world: World) -> None:
        super().__init__(connections, facts)
        self.world = world


class BenchHands(Hands):
    """Hands that know the world of files."""

    def __init__(self, connections: Connections, facts: Facts, world: World) -> None:
        super().__init__(connections, facts)
        self.world = world


def world_of(look: Look) -> World:
    assert isinstance(look, BenchLook | BenchHands)
    return look.world


class Seen(Value):
    value: str
    key: str
    want: str


class Set(StateAction[Seen]):
    """Puts a value under a key; how it fails is said by its fields or by the world."""

    purpose: ClassVar[Purpose] = Purpose.PROVISION
    key: str
    value: str = "yes"
    refuse: str = ""
    hint: str = ""
    lies: bool = False
    fails: int = 0
    takes: float = 0.0
    hangs: bool = False
    raises: str = ""

    def observe(self, look: Look) -> Seen:
        world = world_of(look)
        if world.get(f"{self.key}.unreachable"):
            raise Unreachable(self.key, "does not answer")
        return Seen(value=world.get(self.key), key=self.key, want=self.value)

    def changes(self, seen: Seen) -> list[Change]:
        if seen.value == self.value:
            return []
        return [Change(subject=self.key, before=seen.value or "nothing", after=self.value)]

    def reason_not_to_apply(self, seen: Seen, facts: Facts) -> str | None:
        del seen, facts
        return Reason(self.refuse, self.hint) if self.refuse else None

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        assert changes
        world = world_of(hands)
        world.effect(f"{self.key}={self.value}")
        time.sleep(60 if self.hangs else self.takes)
        if self.raises:
            raise RuntimeError(self.raises)
        if world.effects.count(f"{self.key}={self.value}") <= self.fails:
            raise StepFailed(self.key, "not this time")
        if not self.lies:
            world.put(self.key, self.value)

    def proofs(self, seen: Seen, facts: Facts) -> list[Proof]:
        if self.purpose is not Purpose.FENCE:
            return []
        return [
            Proof(
                kind=ProofKind.PROCESSES,
                subject=str(facts.at),
                identity="1",
                evidence=seen.value,
                at=datetime.now(UTC),
                max_age=Duration(60),
            )
        ]

    def undo(self, hands: Hands, before: Seen) -> None:
        world = world_of(hands)
        world.effect(f"undo:{self.key}")
        world.put(self.key, before.value)


class Prepare(Set):
    """A change that can be taken back."""

    one_way: ClassVar[bool] = False


class Fence(Set):
    """Fences; a person's statement counts where nothing answers."""

    purpose: ClassVar[Purpose] = Purpose.FENCE

    def observe(self, look: Look) -> Seen:
        if look.facts.statement is not None:
            return Seen(value=self.value, key=self.key, want=self.value)
        return super().observe(look)

    def unseen(self, seen: Seen, proofs: Sequence[Proof]) -> bool:
        assert proofs
        return seen.value == "silent"


class Promote(Set):
    """Promotes, when the fence is proven."""

    purpose: ClassVar[Purpose] = Purpose.PROMOTE

    def reason_not_to_apply(self, seen: Seen, facts: Facts) -> str | None:
        if not facts.proofs and facts.statement is None:
            return "no fence is proven"
        return super().reason_not_to_apply(seen, facts)


class Redirect(Set):
    """Moves clients."""

    purpose: ClassVar[Purpose] = Purpose.REDIRECT


class Is(Check[Seen]):
    """Whether a key has a value."""

    purpose: ClassVar[Purpose] = Purpose.VERIFY
    from_outside: ClassVar[bool] = True
    key: str
    value: str = "yes"

    def observe(self, look: Look) -> Seen:
        world = world_of(look)
        world.effect(f"look:{self.key}")
        return Seen(value=world.get(self.key), key=self.key, want=self.value)

    def judge(self, seen: Seen, facts: Facts) -> str | None:
        del facts
        return None if seen.value == self.value else f"{seen.key} is {seen.value!r}"


class Run(Command[Seen]):
    """Leaves a line; what it leaves can be found, unless it leaves no trace.

    ``late`` says that it ends, and leaves its trace, just when it is asked whether it still runs.
    """

    purpose: ClassVar[Purpose] = Purpose.PROVISION
    script: str
    trace: bool = True
    late: bool = False
    doubt: bool = False
    fails: int = 0
    takes: float = 0.0
    raises: str = ""

    def preview(self, facts: Facts) -> list[Change]:
        del facts
        return [Change(subject=self.script, before="not run", after="run")]

    def run(self, hands: Hands) -> Seen:
        world = world_of(hands)
        world.effect(f"run:{self.script}")
        time.sleep(self.takes)
        if world.effects.count(f"run:{self.script}") <= self.fails:
            raise StepFailed(self.script, "exit code 1")
        if self.trace and not self.late:
            world.put(f"trace.{self.script}", "done")
        if self.raises:
            raise RuntimeError(self.raises)
        if self.doubt:
            raise InDoubt(self.script, "the connection broke")
        return Seen(value="done", key=self.script, want="done")

    def find(self, look: Look) -> Seen | None:
        found = world_of(look).get(f"trace.{self.script}")
        return Seen(value=found, key=self.script, want="done") if found else None

    def unfinished(self, look: Look) -> bool:
        if self.late:
            world_of(look).put(f"trace.{self.script}", "done")
        return False


class Tell(Notice):
    """Tells, or fails to."""

    purpose: ClassVar[Purpose] = Purpose.ANNOUNCE
    text: str
    breaks: bool = False
    hangs: bool = False

    def send(self, hands: Hands) -> None:
        if self.hangs:
            time.sleep(60)
        if self.breaks:
            msg = "nobody listens"
            raise OSError(msg)
        world_of(hands).effect(f"told:{self.text}")


class Nothing(StateAction[Seen]):
    """Has nothing to change."""

    purpose: ClassVar[Purpose] = Purpose.PROVISION

    def observe(self, look: Look) -> Seen:
        del look
        return Seen(value="", key="", want="")

    def changes(self, seen: Seen) -> list[Change]:
        del seen
        return []


ENTRIES: dict[str, type[Entry]] = {
    "bench.set": Set,
    "bench.prepare": Prepare,
    "bench.fence": Fence,
    "bench.promote": Promote,
    "bench.redirect": Redirect,
    "bench.is": Is,
    "bench.run": Run,
    "bench.tell": Tell,
    "bench.nothing": Nothing,
}
_KINDS = {"bench.is": StepKind.CHECK, "bench.run": StepKind.COMMAND, "bench.tell": StepKind.NOTICE}


def inventory() -> Inventory:
    return Inventory(
        version=1,
        services={"orders": Service(preferred="east")},
        sites={"east": Site(address="127.0.1.1"), "west": Site(address="127.0.2.1")},
    )


def step(name: str, action: str = "bench.set", *needs: str, **said: Any) -> PlanStep:
    """A step; what are not keys of a plan's step are fields of its action."""
    keys = {key: said.pop(key) for key in list(said) if key in PlanStep.model_fields}
    if action in {"bench.set", "bench.prepare", "bench.fence", "bench.promote", "bench.redirect"}:
        said.setdefault("key", name)
    known = ENTRIES.get(action)
    defaults: dict[str, Any] = {
        "kind": _KINDS.get(action, StepKind.ACTION),
        "purpose": known.purpose if known else Purpose.ASSESS,
        "deadline": Duration(5),
        "every": Duration(0.02),
        "one_way": bool(getattr(known, "one_way", False)),
        "place": Place(site="west"),
    }
    return PlanStep(name=name, action=action, needs=needs, fields=said, **(defaults | keys))


def approval(name: str, *needs: str, **said: Any) -> PlanStep:
    otherwise = said.pop("otherwise", "abort")
    if "budget" in said:  # as planning has it
        said.setdefault("deadline", said["budget"])
    return step(
        name,
        "approval",
        *needs,
        kind=StepKind.APPROVAL,
        approval=Approval(of="commander", otherwise=otherwise),
        **said,
    )


def chain(*steps: PlanStep) -> tuple[PlanStep, ...]:
    """Each step after the one before it."""
    linked: list[PlanStep] = []
    for one in steps:
        needs = (linked[-1].name,) if linked else ()
        linked.append(one.model_copy(update={"needs": needs}))
    return tuple(linked)


def plan_of(*steps: PlanStep, **said: Any) -> Plan:
    given: dict[str, Any] = {
        "runbook": "orders",
        "strategy": Strategy.HOT_STANDBY,
        "service": "orders",
        "procedure": Procedure.FAILOVER,
        "direction": Direction(from_site="east", to_site="west"),
        "objectives": Objectives(),
        "inventory": inventory(),
        "digest": "d",
    }
    return Plan(steps=steps, **(given | said))


class BenchLease:
    """A lease that can be lost."""

    token, holder, arbiter = "1", "tester", "bench"

    def __init__(self) -> None:
        self.lost_after: int | None = None
        self.checks, self.released = 0, 0

    def check(self) -> None:
        self.checks += 1
        if self.lost_after is not None and self.checks > self.lost_after:
            raise LeaseHeld("lease of orders", "is held by somebody else")

    __call__ = check

    def release(self) -> None:
        self.released += 1


@dataclass
class Bench:
    """A directory with a journal and a world, and runs in them."""

    directory: Path
    run: str = "r1"
    lease: BenchLease = field(default_factory=BenchLease)
    limits: Limits = FAST
    requester: str = "tester"

    def __post_init__(self) -> None:
        self.clock, self.redactor = SystemClock(), Redactor()
        self.world = World(self.directory)
        self.journal = Journal.open(self.directory / "journal.db", self.clock, self.redactor)
        context = Context(inventory(), Secrets(self.redactor), self.clock)
        self.connections = Connections(context)

    def ports(self, mode: Mode = Mode.LIVE, executor: Executor | None = None) -> Ports:
        return Ports(
            journal=self.journal,
            executor=executor or DirectExecutor(),
            entries=Catalog(ENTRIES),
            look=lambda facts: BenchLook(self.connections, facts, self.world),
            clock=self.clock,
            redactor=self.redactor,
            hands=(lambda facts: BenchHands(self.connections, facts, self.world))
            if mode.changes_the_world
            else None,
            lease=self.lease if mode.changes_the_world else None,
            limits=self.limits,
        )

    def engine(
        self,
        *steps: PlanStep,
        plan: Plan | None = None,
        mode: Mode = Mode.LIVE,
        ports: Ports | None = None,
        **said: Any,
    ) -> Engine:
        settings = RunSettings(
            run=self.run,
            plan=plan or plan_of(*steps),
            mode=mode,
            requester=self.requester,
            **said,
        )
        return Engine(settings, ports or self.ports(mode))

    def execute(self, *steps: PlanStep, **said: Any) -> RunEnded:
        return self.engine(*steps, **said).execute()

    def resume(self, **changed: Any) -> RunEnded:
        ports = replace(self.ports(), **changed)
        return Engine.resume(self.events, ports, by="tester").execute()

    def in_background(self, engine: Engine) -> Running:
        return Running(engine)

    def ask(self, verb: Any, step: str = "", **said: Any) -> None:
        """Leave a request; a word about a step that waits says which question was read."""
        given: dict[str, Any] = {"service": "orders", "by": "chief", "reason": "because"}
        if verb in {"retry", "skip"}:
            asked = (one.asked for one in self.state.waiting_for if one.asked.step == step)
            given["expires"] = next((one.expires for one in asked), None)
        self.journal.request(
            Request(run=self.run, verb=verb, step=step, at=self.clock.wall(), **(given | said))
        )

    @property
    def events(self) -> list[Event]:
        return self.journal.events(self.run)

    @property
    def state(self) -> RunState:
        return fold(self.events)

    def outcomes(self) -> dict[str, str]:
        return {one.name: one.outcome.value for one in self.state.steps}

    def kinds(self) -> list[str]:
        return [event.body.kind for event in self.events]

    def until(self, holds: Callable[[], object], seconds: float = 5.0) -> None:
        """Wait for a condition."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.005)

    def asked(self, name: str) -> bool:
        return (
            any(one.asked.step == name for one in self.state.waiting_for) if self.events else False
        )


class Running:
    """An engine on a thread, for tests that speak to it meanwhile."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.ended: RunEnded | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.ended = self.engine.execute()
        except BaseException as error:  # noqa: BLE001 - told to the test
            self.error = error

    def wait(self, seconds: float = 10.0) -> RunEnded:
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the run did not end"
        if self.error is not None:
            raise self.error
        assert self.ended is not None
        return self.ended


def failover_steps() -> tuple[PlanStep, ...]:
    """A failover in small: prepare, fence, promote, redirect, a command, a check."""
    return chain(
        step("prepare", "bench.prepare"),
        step("fence", "bench.fence"),
        step("promote", "bench.promote"),
        step("redirect", "bench.redirect"),
        step("script", "bench.run", script="script"),
        step("accepted", "bench.is", key="redirect"),
        step("tell", "bench.tell", text="done"),
    )


def idle_plan(steps: int) -> Plan:
    """A chain of steps that do nothing."""
    return plan_of(*chain(*(step(f"s{number}", "bench.nothing") for number in range(steps))))


def idle(directory: str) -> int:
    """Run a thousand idle steps and print the seconds and the peak of memory in megabytes."""
    bench = Bench(Path(directory), limits=Limits())
    plan = idle_plan(1000)
    began = time.perf_counter()
    ended = bench.execute(plan=plan)
    took = time.perf_counter() - began
    print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return ended.exit_code


def main(directory: str, verb: str) -> int:
    """Run or resume the small failover in a process of its own; ``wait`` begins at a gate."""
    bench = Bench(Path(directory))
    gate = (step("gate", "bench.is", key="gate"),) if verb == "wait" else ()
    try:
        steps = chain(*gate, *failover_steps())
        ended = bench.resume() if verb == "resume" else bench.execute(*steps)
    except Interrupted as left:
        return left.exit_code
    finally:
        bench.journal.close()
    return ended.exit_code


if __name__ == "__main__":
    where, what = sys.argv[1:]
    sys.exit(idle(where) if what == "idle" else main(where, what))
