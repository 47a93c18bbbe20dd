"""What lies on the machine that drtool runs on, and whether that machine would be lost."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drtool.model.inventory import Inventory
from drtool.model.plan import Plan
from drtool.model.secret import SecretRef
from drtool.model.stability import UNSAID, Here, Kind, Lost, Need, Where
from drtool.runbook.stability_steps import Uses
from drtool.safety.whereabouts import Whereabouts, host_in

_ADOPTS = "a new run on another machine observes every step and adopts what is done"


@dataclass(frozen=True)
class Machine:
    """The machine, or in lint any that is declared: where it is, and what is left of its like.

    ``lost`` is NO when another machine that people run drtool on remains.
    """

    name: str
    where: str
    lost: Lost
    todo: str

    @property
    def called(self) -> str:
        """As people read it."""
        return f"this machine, {self.name}" if self.name else "the machine that runs drtool"


def machine_of(inventory: Inventory, site: str, here: Here) -> Machine:
    """Where drtool runs; in lint, where nobody looked, by what is declared alone."""
    declared = {name: at.machines for name, at in inventory.sites.items() if at.machines}
    own = Whereabouts(inventory).of_machine(here.machine) if here.machine else Where()
    rest = [f"{one} at {name}" for name, all_ in declared.items() if name != site for one in all_]
    if own.known:
        lost = own.lost_with(site)
        if lost is Lost.YES and rest:
            todo = (
                f"be able to do it from {' or '.join(rest)}: runbook, inventory and secrets there"
            )
            return Machine(here.machine, f"{own}; {', '.join(rest)}", Lost.NO, todo)
        todo = "" if lost is Lost.NO else _another(inventory, site)
        return Machine(here.machine, str(own), lost, todo)
    if here.machine:
        todo = f"say where it is: sites.SITE.machines: [{here.machine}] in the inventory"
        return Machine(here.machine, UNSAID, Lost.UNKNOWN, todo)
    if not declared:
        return Machine("", UNSAID, Lost.UNKNOWN, "say it: sites.SITE.machines: [HOSTNAME]")
    if rest:
        return Machine("", ", ".join(rest), Lost.NO, "")
    return Machine("", f"at {site}", Lost.YES, _another(inventory, site))


def _another(inventory: Inventory, site: str) -> str:
    other = next((name for name in inventory.sites if name != site), "SITE")
    return (
        f"have a machine at {other} from which it can be done (drtool bundle), and name it: "
        f"sites.{other}.machines: [HOSTNAME]"
    )


class OnMachine:
    """Makes the needs of what lies on that machine, unless it is declared to lie elsewhere."""

    def __init__(self, plan: Plan, site: str, here: Here, where: Whereabouts) -> None:
        self._plan, self._site, self._here, self._where = plan, site, here, where
        self.machine = machine_of(plan.inventory, site, here)

    def needs(self, uses: Uses) -> Iterator[Need]:
        """The machine itself, the journal, the documents, secrets and files of the steps."""
        machine, declared = self.machine, self._plan.inventory.sites[self._site].machines
        names = ", ".join(declared) or "the machine that runs drtool"
        yield Need(
            kind=Kind.MACHINE,
            what=machine.called if machine.name else names,
            where=machine.where,
            lost=machine.lost,
            todo=machine.todo,
            place=("sites", self._site, "machines") if declared else (),
        )
        if self._here.home:
            yield self._file(Kind.JOURNAL, self._here.home, (), instead=_ADOPTS)
        for path in (self._plan.source, self._plan.inventory_source):
            yield self._file(Kind.DOCUMENT, path, ())
        for name, steps in uses.files.items():
            yield self._key(name, tuple(steps))
        for ref, of in uses.secrets.items():
            yield self.secret(ref, tuple(of))

    def secret(self, ref: SecretRef, steps: tuple[str, ...], instead: str = "") -> Need:
        """A variable, a file, or a command and whom it asks."""
        if ref.source == "file":
            path = str(self._directory / Path(ref.name).expanduser())
            found = self._file(Kind.SECRET, path, steps, instead=instead)
            return found.model_copy(update={"what": f"secret {ref.secret}"})
        if ref.source == "env":
            return self._there(Kind.SECRET, f"secret {ref.secret}", steps, instead)
        return self._command(ref, steps, instead)

    @property
    def _directory(self) -> Path:
        return Path(self._plan.inventory_source).parent

    def _key(self, name: str, steps: tuple[str, ...]) -> Need:
        if not name:
            return self._there(Kind.KEY, "an agent's SSH key, or one in ~/.ssh", steps, "")
        path = str(self._directory / Path(name).expanduser())
        return self._file(Kind.KEY, path, steps).model_copy(update={"what": name})

    def _file(self, kind: Kind, path: str, steps: tuple[str, ...], instead: str = "") -> Need:
        found = self._where.of_path(path)
        if not found.known:
            return self._there(kind, path, steps, instead)
        lost = found.lost_with(self._site)
        todo = f"keep a copy that outlives {self._site}" if lost is Lost.YES else ""
        return Need(kind=kind, what=path, where=str(found), lost=lost, needed=not instead,
                    steps=steps, instead=instead, todo=todo)  # fmt: skip

    def _there(self, kind: Kind, what: str, steps: tuple[str, ...], instead: str) -> Need:
        """Something that shares the machine's lot."""
        machine = self.machine
        return Need(
            kind=kind,
            what=what,
            where=f"on {machine.called}, {machine.where}",
            lost=machine.lost,
            needed=not instead,
            steps=steps,
            instead=instead,
            todo="" if instead else machine.todo,
            on_machine=True,
        )

    def _command(self, ref: SecretRef, steps: tuple[str, ...], instead: str) -> Need:
        what, asked = f"secret {ref.secret}", Where()
        try:
            words = shlex.split(ref.name)
        except ValueError:
            words = ref.name.split()
        for word in words:
            host = host_in(word.rpartition("=")[2])
            for text in (word, host):
                found = self._where.of_word(text)
                asked = found if found.known else asked
            asked = self._where.of_address(host) if not asked.known and "." in host else asked
            if asked.known:
                where = f"asks {host}, {asked}" if "//" in word or "." in host else str(asked)
                break
        else:
            where = "nobody has said whom it asks"
        lost = asked.lost_with(self._site)
        told = {
            Lost.YES: f"have it ask what outlives {self._site}, or keep the secret on the machine",
            Lost.NO: "",
            Lost.UNKNOWN: f"say it: {words[0]} under sites.SITE.holds, or under outside",
        }
        return Need(kind=Kind.SECRET, what=what, where=where, lost=lost, needed=not instead,
                    steps=steps, instead=instead, todo=told[lost])  # fmt: skip
