"""Put the questions of ``drtool init`` at the terminal, or find all answers in the flags."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import typer

from drtool.errors import BadInput, Faults, Unreachable
from drtool.scaffold.questions import Question, questions, reason_not_a_host_key
from drtool.verbs.init import begin, look_at_key, offered_keys, refuse_to_overwrite


class Asking:
    """One conversation; ``ask`` says whether somebody is there to answer."""

    def __init__(
        self,
        directory: Path,
        given: dict[str, str],
        named: Mapping[str, list[str] | None],
        *,
        ask: bool,
    ) -> None:
        self._directory, self._given, self._ask = directory, given, ask
        self._named = {what: _pairs(what, said or []) for what, said in named.items()}
        self._given |= {f"host {name}": said for name, said in self._named["host"].items()}

    def refuse_to_overwrite(self) -> None:
        """Raise BadInput before anything is asked when documents are there already."""
        refuse_to_overwrite(self._directory)

    def questions(self) -> None:
        """Ask what no flag has said; raises BadInput for all that is wrong or missing at once."""
        wrong: list[str] = []
        for question in questions(self._given, self._directory.resolve().name):
            said = self._given.get(question.key)
            if said is None and self._ask:
                said = self._put(question)
            elif said is None:
                said = question.default
            reason = question.reason_not_to_take(said) if said is not None else "is missing"
            if reason:
                example = f", as {question.example}" if question.example else ""
                wrong.append(f"{question.flag}: {reason}{example if said is None else ''}")
            if said is not None:
                self._given[question.key] = said
        for name, key in self._named["host_key"].items():
            reason = reason_not_a_host_key(key)
            wrong += [f"--host-key {name}: {reason}"] if reason else []
        if wrong:
            raise Faults((*wrong, "  hint: or type it at a terminal, to be asked"))
        hosts = {key: said for key, said in self._given.items() if key.startswith("host ")}
        self._named["host"] |= {key.removeprefix("host "): said for key, said in hosts.items()}

    def host_keys(self, *, wanted: bool) -> None:
        """Show the fingerprints of the machines that answer, and take what a person confirms."""
        unknown = offered_keys(self._given, self._named)
        if wanted and not self._ask:
            raise BadInput(
                "--scan-host-keys",
                "nobody is here to compare the fingerprints",
                hint="type it at a terminal, or give --host-key SITE='ssh-ed25519 AAAA...'",
            )
        if not unknown or not self._ask:
            return
        if not wanted and not typer.confirm(
            "Fetch the machines' host keys now, for you to compare", default=False
        ):
            return
        for machine, address, port in unknown:
            self._compare(machine, address, port)

    def write(self, *, force: bool) -> None:
        """Write the documents; say what is left and what to type."""
        begun = begin(self._directory, self._given, self._named, force=force)
        for path in begun.written:
            typer.echo(f"written: {path}")
        if begun.blanks:
            typer.echo(f"\nTo fill in ({len(begun.blanks)}):")
            for line in begun.blanks:
                typer.echo(f"  {line}")
        typer.echo("\nThen type:")
        if self._directory != Path():
            typer.echo(f"  cd {self._directory}")
        for command, _ in begun.commands:
            typer.echo(f"  {command}")

    def _put(self, question: Question) -> str:
        def judged(said: str) -> str:
            unsaid = not said and question.default is None
            reason = "it has no default" if unsaid else question.reason_not_to_take(said)
            if reason:
                raise typer.BadParameter(reason)
            return said

        example = f" (as {question.example})" if question.example else ""
        # an empty answer to a question without a default would be asked again with no reason
        answer: str = typer.prompt(
            question.text + example,
            default=question.default or "",
            show_default=bool(question.default),
            value_proc=judged,
        )
        return answer

    def _compare(self, machine: str, address: str, port: int) -> None:
        try:
            offered = look_at_key(machine, address, port)
        except Unreachable as error:
            typer.echo(f"{machine}: {error.line()}; its key is left to fill in")
            return
        typer.echo(
            f"\n{machine} ({address}:{port}) shows {offered.key.partition(' ')[0]}\n"
            f"  {offered.fingerprint}\n"
            "  Compare on its console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
        )
        said = typer.prompt("Type yes if it is the same", default="no", show_default=False)
        if said.strip().lower() == "yes":
            self._named["host_key"][machine] = offered.key


def _pairs(what: str, said: list[str]) -> dict[str, str]:
    found = {}
    for word in said:
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            flag = f"--{what.replace('_', '-')}"
            raise BadInput(flag, f"{word!r} says not which is what", hint=f"{flag} NAME=VALUE")
        found[name] = value
    return found
