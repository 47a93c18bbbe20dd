"""The documents that the answers make."""

from __future__ import annotations

import json
import re
import shlex

from jinja2 import Environment, PackageLoader, StrictUndefined

from drtool.runbook.blanks import BLANK
from drtool.scaffold.answers import Answers
from drtool.shipped import shipped

_SAMPLES = {
    "the first two words": (
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
    ),
    "https:// and": "https://192.0.2.{number}",
}
_OBJECTIVES = re.compile(r"(?m)^objectives: \{rto: [^,}]+(, rpo: [^,}]+)?")


def file_of(answers: Answers) -> str:
    """What the runbook's file is called."""
    return f"{answers.service}.yaml"


def inventory_text(answers: Answers, modeline: str) -> str:
    """The inventory, with places to fill in where something is not known."""
    text = _templates().get_template("inventory.yaml").render(a=answers, modeline=modeline)
    return re.sub(r"\n{3,}", "\n\n", text)


def runbook_text(answers: Answers, modeline: str) -> str:
    """The runbook: the example of the strategy with this service's names, or the plain one."""
    if not answers.shape.example:
        argv = json.dumps(shlex.split(answers.command))
        template = _templates().get_template("plain.yaml")
        return template.render(a=answers, modeline=modeline, argv=argv)
    text = (shipped("runbooks") / answers.shape.example).read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)[1:]
    renamed = _renamed("".join(lines), answers)
    own = f"objectives: {{rto: {answers.rto}" + (f", rpo: {answers.rpo}" if answers.rpo else "")
    return f"{modeline}\n{_OBJECTIVES.sub(own, renamed)}"


def about_text(answers: Answers) -> list[str]:
    """What the strategy's own README says of how it works, with this service's names."""
    if not answers.shape.example:
        return [
            "One command brings it up at the other site; a look from outside ends the recovery."
        ]
    readme = shipped("runbooks") / answers.strategy / "README.md"
    paragraphs = _renamed(readme.read_text(encoding="utf-8"), answers).split("\n\n")
    kept = [paragraphs[1], *(part for part in paragraphs if part.startswith("To make it yours"))]
    return "\n\n".join(kept).splitlines()


def readme_text(
    answers: Answers,
    blanks: list[str],
    secrets: list[tuple[str, str]],
    commands: list[tuple[str, str]],
) -> str:
    """What to fill in, and what to type next."""
    return (
        _templates()
        .get_template("README.md")
        .render(
            a=answers,
            about=about_text(answers),
            runbook=file_of(answers),
            blanks=blanks,
            secrets=secrets,
            commands=commands,
        )
    )


def sampled(text: str) -> str:
    """A document with samples in the places to fill in, so that the rest of it can be judged."""
    number = 10

    def sample(found: re.Match[str]) -> str:
        nonlocal number
        number += 1
        what = found[1]
        made = next(
            (s for begin, s in _SAMPLES.items() if what.startswith(begin)), "192.0.2.{number}"
        )
        return f'"{made.format(number=number)}"'

    return re.sub(rf'"{BLANK} ([^"]*)"', sample, text)


def _renamed(text: str, answers: Answers) -> str:
    """An example's text with this service's name and zone."""
    word = answers.shape.word
    names = {
        "shop.example": answers.zone,
        word: answers.service,
        word.capitalize(): answers.service.capitalize(),
    }
    either = "|".join(re.escape(name) for name in names)
    return re.sub(rf"(?<![A-Za-z])({either})(?![A-Za-z])", lambda found: names[found[1]], text)


def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("drtool.scaffold", "templates"),
        autoescape=False,  # noqa: S701 - YAML and Markdown, of answers that were judged
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["quoted"] = _quoted
    return made


def _quoted(text: str) -> str:
    """A text as YAML has it, in quotes where it could be taken for something else."""
    plain = re.fullmatch(r"[A-Za-z/][A-Za-z0-9_./-]*|\d+(\.\d+){3}", text)
    return text if plain else json.dumps(text)
