"""What an unplanned plan needs, and what of it would be lost with a site; pure.

Static stability: a recovery must not depend on what failed. Nothing is connected to here; the
inventory and the plan say where things are, and what they do not say is told as unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from drtool.catalog import Catalog
from drtool.model.notify import Slack
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import OnFailure
from drtool.model.secret import secrets_in
from drtool.model.stability import Here, Kind, Lost, Need, Where
from drtool.runbook.stability_arbiter import arbiter_of
from drtool.runbook.stability_fence import ways_left
from drtool.runbook.stability_here import OnMachine
from drtool.runbook.stability_steps import Uses, has_name, uses_of
from drtool.safety.whereabouts import Whereabouts, host_in

_DIRECTLY = "steps run directly, and the run's own journal has them all"
_NOT_WAITED = "no run waits for it"
_SAY = "say where it is: under sites.SITE.holds, or under outside"


def needs_without(plan: Plan, site: str, catalog: Catalog, here: Here) -> tuple[Need, ...]:
    """Everything that the plan uses when ``site`` is lost; the plan is one that leaves it."""
    return tuple(_Needs(plan, site, catalog, here).all())


class _Needs:
    """Judges one plan against the loss of one site."""

    def __init__(self, plan: Plan, site: str, catalog: Catalog, here: Here) -> None:
        self._plan, self._site, self._here = plan, site, here
        self._where = Whereabouts(plan.inventory)
        self._uses: Uses = uses_of(plan, catalog)
        self._machine = OnMachine(plan, site, here, self._where)

    def all(self) -> Iterator[Need]:
        """In the order of an incident: who acts, with what, on what, and who is told."""
        yield from self._machine.needs(self._uses)
        yield arbiter_of(self._plan, self._site, self._machine.machine)
        yield from self._systems()
        yield from self._hosts()
        yield from self._fences()
        yield from map(self._there, self._uses.there)
        yield from self._names()
        yield from self._elsewhere()
        yield from self._helpers()

    def _need(self, kind: Kind, what: str, found: Where, steps: list[str], **more: object) -> Need:
        lost = found.lost_with(self._site)
        told = {Lost.UNKNOWN: _SAY, Lost.NO: "",
                Lost.YES: f"have one that outlives {self._site}"}[lost]  # fmt: skip
        values = {"where": str(found), "lost": lost, "steps": tuple(steps), "todo": told, **more}
        return Need.model_validate({"kind": kind, "what": what, **values})

    def _systems(self) -> Iterator[Need]:
        for target, steps in self._uses.systems.items():
            system = self._plan.inventory.system(target)
            what = f"{system.kind if system else 'system'} {target}"
            yield self._need(Kind.SYSTEM, what, Where(sites=(target.partition(".")[0],)), steps)

    def _hosts(self) -> Iterator[Need]:
        for name, steps in self._uses.hosts.items():
            found = self._where.of_host(name)
            say = {} if found.known else {"todo": f"say where it is: hosts.{name}.site"}
            yield self._need(Kind.HOST, f"host {name} over SSH", found, steps, **say)
        for name, steps in self._uses.powers.items():
            yield self._need(Kind.HOST, f"power controller of {name}", self._power(name), steps)
        for what, steps in self._uses.others.items():
            yield self._need(Kind.HOST, what, self._where.of_word(what), steps)

    def _power(self, host: str) -> Where:
        """Where a controller stands; with its machine, where nobody has said otherwise."""
        power = self._plan.inventory.hosts[host].power
        found = self._where.of_address(power.redfish) if power else Where()
        return found if found.known else self._where.of_host(host)

    def _fences(self) -> Iterator[Need]:
        for host, ways in self._uses.fences.items():
            steps = self._uses.fenced_by[host]
            left = ways_left(self._plan.inventory, self._where, host, ways, self._site)
            lost = left.where.lost_with(self._site)
            yield self._need(
                Kind.FENCE,
                f"fence of {host}",
                left.where,
                steps,
                needed=False,
                instead=f"your word: drtool state RUN {steps[0]}, or --state-fenced at the start",
                todo="" if lost is Lost.NO else left.todo,
            )

    def _there(self, step: PlanStep) -> Need:
        """A step that acts at the lost site."""
        lenient = step.on_failure is OnFailure.CONTINUE
        return self._need(
            Kind.HOST,
            f"step {step.name} acts at {step.place}",
            Where(sites=(self._site,)),
            [step.name],
            needed=not lenient,
            instead="on_failure: continue" if lenient else "",
            todo="" if lenient else "act at to; or leave it to reprotect; or on_failure: continue",
            source=step.source,
        )

    def _names(self) -> Iterator[Need]:
        """The zone's servers as one: enough of them must remain."""
        dns, steps = self._plan.inventory.dns, self._uses.names
        if dns is not None and steps:
            left = [name for name, server in dns.servers.items() if server.site != self._site]
            all_ = ", ".join(f"{name} at {server.site}" for name, server in dns.servers.items())
            few = len(left) < dns.min_servers
            yield Need(
                kind=Kind.DNS,
                what=f"DNS servers of {dns.zone}",
                where=f"{all_}; {len(left)} would remain, {dns.min_servers} must",
                lost=Lost.YES if few else Lost.NO,
                steps=tuple(steps),
                todo="a server at another site, or a smaller dns.min_servers" if few else "",
                place=("dns", "min_servers"),
            )
            yield self._machine.secret(dns.key, tuple(steps))
        for address in self._here.resolvers if self._foreign_names() else ():
            found = self._where.of_address(address)
            found = Where(outside=True, why="on this machine") if _own(address) else found
            yield self._need(Kind.RESOLVER, f"resolver {address}", found, self._foreign_names())

    def _foreign_names(self) -> list[str]:
        """The steps that ask this machine's resolver: for all but services' names in the zone."""
        dns = self._plan.inventory.dns
        zone = f".{dns.zone.rstrip('.').lower()}" if dns else None
        named = [
            *((name, steps) for name, steps in self._uses.looked_up.items()),
            *(
                (name, steps)
                for name, steps in self._uses.addresses.items()
                if not (zone and f".{name}".endswith(zone))
            ),
        ]
        return list(
            dict.fromkeys(step for name, steps in named if has_name(name) for step in steps)
        )

    def _elsewhere(self) -> Iterator[Need]:
        """Addresses and words that the steps name themselves."""
        endpoint = (self._plan.inventory.services[self._plan.service].endpoint or "").rstrip(".")
        for name, steps in self._uses.addresses.items():
            if name != endpoint.lower():
                yield self._need(Kind.ENDPOINT, name, self._where.of_address(name), steps)
        for word, steps in self._uses.words.items():
            found = self._where.of_word(word)
            found = found if found.known or "//" not in word else self._where.of_address(word)
            yield self._need(Kind.PROGRAM, word, found, steps)

    def _helpers(self) -> Iterator[Need]:
        """What a run can do without."""
        if self._here.prefect:
            name = host_in(self._here.prefect)
            local = _own(name)
            machine = self._machine.machine
            found = self._where.of_address(name)
            need = self._need(Kind.PREFECT, "Prefect API", found, [], needed=False, todo="",
                              instead=_DIRECTLY)  # fmt: skip
            words = {"where": f"{self._here.prefect}, {machine.where if local else need.where}"}
            yield need.model_copy(update=words | ({"lost": machine.lost} if local else {}))
        notify = self._plan.inventory.notify
        if notify is None:
            return
        url = notify.slack.url if isinstance(notify.slack, Slack) else ""
        found = self._where.of_address(url) if url else Where()
        found = found if found.known else Where(why="elsewhere")
        yield self._need(Kind.NOTICES, "Slack", found, [], needed=False, todo="",
                         instead=_NOT_WAITED)  # fmt: skip
        for ref in secrets_in(notify):
            yield self._machine.secret(ref, (), instead=_NOT_WAITED)


def _own(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")
