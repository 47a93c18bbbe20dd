"""ssh.service: a unit of a host's service manager, started, stopped or restarted."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.ssh.at import host_of, ssh_of
from drtool.connections.reach import Reader
from drtool.connections.ssh import Manager, SshHands, SshReader
from drtool.connections.typed import ssh, typed
from drtool.errors import AccessDenied, StepFailed
from drtool.model.change import Change
from drtool.model.inventory import Plain
from drtool.model.purpose import Purpose
from drtool.model.value import Value
from drtool.units import Duration

_COMMANDS: dict[Manager, tuple[str, ...]] = {
    "systemd": ("systemctl", "{verb}", "{unit}"),
    "sysv": ("service", "{unit}", "{verb}"),
    "openrc": ("rc-service", "{unit}", "{verb}"),
}
_VERBS = {"started": "start", "stopped": "stop", "restarted": "restart"}
_AIMS = {"started": "active", "stopped": "inactive", "restarted": "active, newly started"}
_GOING = {"activating", "reloading"}


class Unit(Value):
    """A unit as its manager tells it: active, inactive, failed, activating ...

    ``fresh`` says that it became active after this run had started.
    """

    host: str
    unit: str
    active: str
    detail: str = ""
    fresh: bool = False


class Service(StateAction[Unit]):
    """Have a unit started, stopped or restarted; what is so already is left alone.

    A unit that failed counts as stopped; one that became active after the run had started counts
    as restarted, which only systemd can tell. ``manager`` is systemd, sysv (``service``) or openrc;
    with ``sudo`` the command is run by ``sudo -n``.
    """

    purpose: ClassVar[Purpose] = Purpose.PROVISION
    target: ClassVar[Target] = Target.HOST
    default_deadline: ClassVar[Duration] = Duration(60)

    unit: Plain = Field(description="The unit's name.")
    state: Literal["started", "stopped", "restarted"] = Field(description="What it shall be.")
    manager: Manager = Field(default="systemd", description="Who manages it.")
    sudo: bool = Field(default=False, description="Whether root's rights are asked of sudo.")

    @model_validator(mode="after")
    def _restart_can_be_seen(self) -> Self:
        if self.state == "restarted" and self.manager != "systemd":
            msg = f"only systemd tells whether a unit was restarted, {self.manager} does not"
            raise ValueError(msg)
        return self

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """A reader and a writer of the host."""
        return [(SshReader, host_of(facts)), (SshHands, host_of(facts))]

    def observe(self, look: Look) -> Unit:
        """What the manager says of the unit."""
        host = host_of(look.facts)
        state = look.reach(SshReader, host).unit_state(self.unit, self.manager)
        age, run = state.age_seconds, (look.now() - look.facts.started).total_seconds()
        return Unit(
            host=host,
            unit=self.unit,
            active=state.active,
            detail=state.detail,
            fresh=age is not None and age < run,
        )

    def changes(self, seen: Unit) -> list[Change]:
        """One, unless it is so already."""
        done = {
            "started": seen.active == "active",
            "stopped": seen.active in {"inactive", "failed"},
            "restarted": seen.active == "active" and seen.fresh,
        }
        if done[self.state]:
            return []
        subject = f"unit {self.unit} on {seen.host}"
        return [Change(subject=subject, before=seen.active, after=_AIMS[self.state])]

    def reason_to_wait(self, seen: Unit) -> str | None:
        """It is on its way."""
        going = {"deactivating"} if self.state == "stopped" else _GOING
        return f"{self.unit} is {seen.active}" if seen.active in going else None

    def reason_not_to_apply(self, seen: Unit, facts: Facts) -> str | None:
        """A unit that its manager cannot tell of."""
        del facts
        if seen.active == "unknown":
            return f"{self.manager} on {seen.host} knows no unit {self.unit}: {seen.detail}"
        return None

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Start or stop it."""
        del changes
        left = hands.facts.seconds_left
        seconds = self.default_deadline.seconds if left is None else max(1.0, left)
        host = hands.reach(SshHands, host_of(hands.facts))
        command = self._command(_VERBS[self.state])
        ran = host.run(command, seconds)
        if ran.code == 0:
            return
        words = " ".join(command)
        if "sudo" in ran.err or "authentication" in ran.err or "ermission denied" in ran.err:
            raise AccessDenied(host.subject, f"{words}: {ran.said()}", "the right to do so",
                               "sudo: true, and a line in its sudoers")  # fmt: skip
        raise StepFailed(host.subject, f"{words} ended with code {ran.code}: {ran.said()}")

    def by_hand(self, facts: Facts) -> list[str]:
        """The manager's own commands, over SSH."""
        to = ssh_of(facts)
        commands = (self._command(_VERBS[self.state]), self._command("status"))
        wanted = "not be running" if self.state == "stopped" else "be running"
        return [*(typed(ssh(to, " ".join(one))) for one in commands), f"It must {wanted}."]

    def _command(self, verb: str) -> list[str]:
        words = {"{verb}": verb, "{unit}": self.unit}
        command = [words.get(word, word) for word in _COMMANDS[self.manager]]
        return ["sudo", "-n", *command] if self.sudo else command
