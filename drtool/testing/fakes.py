"""Fakes of every kind of entry, and a catalog that offers them."""

from __future__ import annotations

from typing import Any, ClassVar

from drtool.action import Check, Command, Entry, Facts, Hands, Look, Notice, StateAction, Target
from drtool.catalog import Catalog
from drtool.model.change import Change
from drtool.model.inventory import Inventory
from drtool.model.place import Direction, Place
from drtool.model.purpose import Mode, Procedure, Purpose
from drtool.model.value import Value
from drtool.testing.world import START
from drtool.units import Duration


class FakeSeen(Value):
    """What a fake sees."""

    done: bool = False
    seconds: float = 0.0
    lag: Duration = Duration(0)
    note: str = ""
    ports: tuple[int, ...] = ()


class FakeAction(StateAction[FakeSeen]):
    """A state action that is done once it was applied."""

    purpose = Purpose.PROMOTE
    note: str = "done"
    after: Duration = Duration(0)
    loudly: bool = False

    def observe(self, look: Look) -> FakeSeen:
        """Nothing was done."""
        return FakeSeen(note=f"{self.note} at {look.facts.at}")

    def changes(self, seen: FakeSeen) -> list[Change]:
        """One change until it is done."""
        return [] if seen.done else [Change(subject=self.note, before="no", after="yes")]

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Do nothing."""

    def by_hand(self, facts: Facts) -> list[str]:
        """What a human would do."""
        return [f"do {self.note} at {facts.at}"]


class FakeCheck(Check[FakeSeen]):
    """A check that finds all well while ``max`` is more than nothing."""

    purpose = Purpose.ASSESS
    max: Duration = Duration(0)
    url: str = "http://fake.test"

    def observe(self, look: Look) -> FakeSeen:
        """All well."""
        return FakeSeen(done=True, note=str(look.facts.at))

    def judge(self, seen: FakeSeen, facts: Facts) -> str | None:
        """Nothing is wrong with what is done."""
        return None if seen.done else f"{facts.step} is not done"

    def by_hand(self, facts: Facts) -> list[str]:
        """What a human would do."""
        return [f"look at {facts.at}"]


class FakeCommand(Command[FakeSeen]):
    """A command that always returns as declared."""

    purpose = Purpose.PROVISION
    argv: tuple[str, ...]

    def preview(self, facts: Facts) -> list[Change]:
        """What it would run."""
        return [Change(subject=str(facts.at), before="not run", after=" ".join(self.argv))]

    def run(self, hands: Hands) -> FakeSeen:
        """Do nothing."""
        return FakeSeen(done=True, note=str(hands.facts.at))

    def by_hand(self, facts: Facts) -> list[str]:
        """What a human would do."""
        return [f"At {facts.at}:", f"$ {' '.join(self.argv)}"]


class FakeNotice(Notice):
    """A notice that reaches nobody."""

    purpose = Purpose.ANNOUNCE
    text: str

    def send(self, hands: Hands) -> None:
        """Do nothing."""

    def by_hand(self, facts: Facts) -> list[str]:
        """What a human would do."""
        return [f"tell everybody of {facts.service}: {self.text}"]


class FakeSystemAction(FakeAction):
    """A fake that acts on a PostgreSQL server."""

    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "postgresql"


class FakeFence(FakeSystemAction):
    """A fence that fences nothing."""

    purpose = Purpose.FENCE


class FakePromote(FakeSystemAction):
    """A promotion that promotes nothing."""

    max_data_loss: Duration | None = None


class FakeReprotect(FakeSystemAction):
    """A reprotection that protects nothing."""

    purpose = Purpose.REPROTECT


class FakeRedirect(FakeAction):
    """A redirect that moves nobody."""

    purpose = Purpose.REDIRECT
    target: ClassVar[Target] = Target.SITE


class FakeLoss(FakeCheck):
    """A data loss that is nothing."""

    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "postgresql"


class FakeAnswers(FakeCheck):
    """A look from outside."""

    purpose = Purpose.VERIFY
    from_outside: ClassVar[bool] = True


class FakePrepare(FakeAction):
    """A preparation that can be taken back."""

    purpose = Purpose.PROVISION
    one_way: ClassVar[bool] = False
    target: ClassVar[Target] = Target.HOST

    def undo(self, hands: Hands, before: FakeSeen) -> None:
        """Do nothing."""


class FakeRun(FakeCommand):
    """A command on a host."""

    target: ClassVar[Target] = Target.HOST


def fake_catalog() -> Catalog:
    """Fakes under names like the real ones."""
    fakes: dict[str, type[Entry]] = {
        "postgresql.data_loss": FakeLoss,
        "postgresql.fence": FakeFence,
        "postgresql.demote": FakeFence,
        "postgresql.promote": FakePromote,
        "postgresql.reprotect": FakeReprotect,
        "dns.redirect": FakeRedirect,
        "http.answers": FakeAnswers,
        "http.request": FakeCommand,
        "ssh.run": FakeRun,
        "power.on": FakePrepare,
        "slack.tell": FakeNotice,
    }
    catalog = Catalog()
    for name, fake in fakes.items():
        catalog.register(name, fake)
    return catalog


def fake_facts(inventory: Inventory, at: Place | None = None, **others: Any) -> Facts:
    """Facts of a live failover between the inventory's first two sites."""
    sites = [*inventory.sites, None, None]
    given: dict[str, Any] = {
        "run": "20300101-120000-test",
        "step": "step",
        "mode": Mode.LIVE,
        "procedure": Procedure.FAILOVER,
        "service": next(iter(inventory.services)),
        "inventory": inventory,
        "direction": Direction(from_site=sites[0], to_site=sites[1]),
        "at": at,
        "started": START,
    }
    return Facts(**(given | others))
