"""ssh.run: one command on a host, run once, its end never guessed."""

from __future__ import annotations

import shlex
from typing import ClassVar

from pydantic import Field

from drtool.action import Command, Facts, Hands, Look, Target
from drtool.actions.ssh.at import host_of, ssh_of
from drtool.connections.reach import Reader
from drtool.connections.ssh import AnswerLost, SshHands, SshReader
from drtool.connections.ssh_trace import NOT_STARTED, TIMED_OUT, Left, Trace
from drtool.connections.typed import ssh, typed
from drtool.errors import InDoubt, StepFailed
from drtool.model.change import Change
from drtool.model.inventory import Plain, Text
from drtool.model.purpose import Purpose
from drtool.model.value import Value
from drtool.units import Duration

# The host ends the command before our deadline, so that its end is told and not guessed.
_MARGIN_SECONDS = 2.0
_KEPT = 4000


class Done(Value):
    """How the command ended; ``skipped`` says why it was not run at all."""

    host: str
    code: int | None = None
    out: str = ""
    err: str = ""
    skipped: str = ""


class Run(Command[Done]):
    """Run a command on a host, once, and find its end again when the session is lost.

    ``argv`` are its words; no shell reads them unless they name one. ``creates`` and ``unless``
    say when it need not be run; what a try of the same run has left half-made excuses nothing.
    Start and exit of this run and step are left on the host.
    """

    purpose: ClassVar[Purpose] = Purpose.PROVISION
    target: ClassVar[Target] = Target.HOST
    default_deadline: ClassVar[Duration] = Duration(300)

    argv: tuple[Text, ...] = Field(min_length=1, description="The command, word by word.")
    input: str = Field(default="", description="What it reads from standard input.")
    codes: tuple[int, ...] = Field(default=(0,), description="The exit codes that mean done.")
    creates: Plain | None = Field(
        default=None, description="A path that it makes: when it is there, nothing is run."
    )
    unless: tuple[Text, ...] | None = Field(
        default=None, description="A reading command: when it ends with 0, nothing is run."
    )

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """A reader and a writer of the host."""
        host = host_of(facts)
        return [(SshReader, host), (SshHands, host)]

    def preview(self, facts: Facts) -> list[Change]:
        """The command, and when it is left out."""
        words = shlex.join(self.argv)
        if self.creates:
            words += f" (unless {self.creates} is there)"
        if self.unless:
            words += f" (unless {shlex.join(self.unless)} ends with 0)"
        return [Change(subject=f"host {host_of(facts)}", before="as it is", after=f"run {words}")]

    def run(self, hands: Hands) -> Done:
        """Run it, unless there is no need.

        Raises StepFailed for another exit code, InDoubt when its end is not known.
        """
        facts, host = hands.facts, host_of(hands.facts)
        writer, trace = hands.reach(SshHands, host), _trace(hands.facts)
        if reason := self._reason_to_skip(writer, trace):
            return Done(host=host, skipped=reason)
        left = facts.seconds_left
        seconds = (self.default_deadline.seconds if left is None else left) - _MARGIN_SECONDS
        words = trace.argv(facts.attempt, seconds, self.argv)
        try:
            ran = writer.run(words, max(1.0, seconds) + _MARGIN_SECONDS, self.input)
        except AnswerLost as error:
            raise InDoubt(error.subject, error.found, "to know how the command ended") from error
        head, _, out = ran.out.partition("\n")
        if ran.code == NOT_STARTED and not head.startswith("ended "):
            raise StepFailed(writer.subject, f"the command could not be started: {ran.said()}")
        if not head.startswith("ended "):
            found = f"what waited for the command was ended: {ran.said()}"
            raise InDoubt(writer.subject, found, "to know how the command ended")
        return self._judged(host, int(head.split()[1]), out, ran.err)

    def find(self, look: Look) -> Done | None:
        """What the newest try of this very run and step left; None while it has not ended.

        Raises StepFailed when it had ended wrongly.
        """
        host = host_of(look.facts)
        reader, trace = look.reach(SshReader, host), _trace(look.facts)
        left = trace.newest(reader)
        if left is None and self.creates and reader.file_exists(self.creates):
            return Done(host=host, skipped=f"{self.creates} is there")
        if left is None or left.code is None:
            return None
        out = reader.read_file(f"{trace.directory}/out.{left.attempt}") or ""
        err = reader.read_file(f"{trace.directory}/err.{left.attempt}") or ""
        return self._judged(host, left.code, out, err)

    def unfinished(self, look: Look) -> bool:
        """Whether this very run and step was started on the host and still runs."""
        reader = look.reach(SshReader, host_of(look.facts))
        left = _trace(look.facts).newest(reader)
        if left is None or left.code is not None:
            return False
        return any(reader.file_exists(f"/proc/{process}") for process in left.processes)

    def by_hand(self, facts: Facts) -> list[str]:
        """The command over SSH, left out where it need not be run."""
        words = shlex.join(self.argv)
        if self.unless:
            words = f"{shlex.join(self.unless)} || {words}"
        if self.creates:
            words = f"test -e {shlex.quote(self.creates)} || {words}"
        command = ssh(ssh_of(facts), words)
        if self.input:
            command += f" <<'END'\n{self.input.rstrip(chr(10))}\nEND"
        told = " or ".join(map(str, self.codes))
        return [typed(command), typed("echo $?"), f"It must say {told}. Run it once."]

    def _reason_to_skip(self, host: SshHands, trace: Trace) -> str:
        """Why it need not be run; what an own try has left half-made is no reason."""
        if not (self.creates or self.unless) or self._is_bad(trace.newest(host)):
            return ""
        if self.creates and host.file_exists(self.creates):
            return f"{self.creates} is there"
        if self.unless and host.run(list(self.unless), self.default_deadline.seconds).code == 0:
            return f"{shlex.join(self.unless)} ends with 0"
        return ""

    def _is_bad(self, left: Left | None) -> bool:
        """Whether a try was begun and is not known to have ended well."""
        return left is not None and left.code not in self.codes

    def _judged(self, host: str, code: int, out: str, err: str) -> Done:
        if code in self.codes:
            return Done(host=host, code=code, out=out[-_KEPT:], err=err[-_KEPT:])
        lines = (err.strip() or out.strip()).splitlines()
        why = "it took too long and was ended" if code == TIMED_OUT else f"code {code}"
        raise StepFailed(
            f"host {host}: {shlex.join(self.argv)}",
            f"{why}: {lines[-1].strip() if lines else 'it said nothing'}",
            f"code {', '.join(map(str, self.codes))}",
        )


def _trace(facts: Facts) -> Trace:
    return Trace(ssh_of(facts).state_directory, facts.run, facts.step)
