"""The page of the command line: first every command by what it is for, then each by itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from tables import table, without_empty
from typer.main import get_command

from drtool.cli.main import app
from drtool.cli.sections import SECTIONS

ABOUT = """\
`drtool COMMAND --help` prints the same at the terminal. What an exit code means stands in
[exit codes](exit-codes.md).
"""
# what an option's value is, where its name does not say it
VALUES = {
    "inventory": "FILE",
    "key": "FILE",
    "evidence": "FILE",
    "output": "FILE",
    "approvals": "DIRECTORY",
    "heads": "FILE",
    "verify": "BUNDLE",
    "wheels": "DIRECTORY",
    "from_site": "SITE",
    "to_site": "SITE",
    "without": "SITE",
    "outage_since": "TIME",
    "until": "TIME",
    "every": "DURATION",
    "waiting": "DURATION",
    "rto": "DURATION",
    "rpo": "DURATION",
    "accept_data_loss": "DURATION",
    "state_fenced": "REASON",
    "parameters": "NAME=VALUE",
    "form": "FORMAT",
    "ssh_user": "USER",
    "ssh_port": "PORT",
    "ssh_key": "FILE",
    "data_directory": "PATH",
    "approver": "PERSON",
}


def commands() -> str:
    """The command line."""
    top: Any = get_command(app)
    parts = ["# Command line\n", ABOUT]
    for title, names in SECTIONS.items():
        rows = [row for name in names for row in _rows(top.commands[name], f"drtool {name}")]
        parts += [f"**{title}**\n", table(("command", "what it does"), rows)]
    for title, names in SECTIONS.items():
        parts.append(f"## {title}\n")
        for name in names:
            parts += _command(top.commands[name], f"drtool {name}")
    return "\n".join(parts)


def _rows(command: Any, name: str) -> Iterator[tuple[str, str]]:
    below = getattr(command, "commands", {})
    if not below:
        first = inspect.cleandoc(command.help or "").partition("\n\n")[0].replace("\n", " ")
        yield f"[`{name}`](#{name.replace(' ', '-')})", first
    for each in below:
        if not below[each].hidden:
            yield from _rows(below[each], f"{name} {each}")


def _command(command: Any, name: str) -> Iterator[str]:
    below = getattr(command, "commands", {})
    if not below:
        usage = " ".join(filter(None, map(_usage, command.params)))
        yield f"### `{name}`\n"
        yield f"{inspect.cleandoc(command.help or '')}\n"
        options = "[OPTIONS]" if any(not one.required for one in _options(command)) else ""
        yield f"```text\n{' '.join(filter(None, (name, usage, options)))}\n```\n"
        arguments = [each for each in command.params if each.param_type_name != "option"]
        rows = [_option(each) for each in [*arguments, *_options(command)]]
        if rows:
            yield without_empty(("argument or option", "what it is", "default"), rows, "default")
    for each in below:
        if not below[each].hidden:
            yield from _command(below[each], f"{name} {each}")


def _options(command: Any) -> list[Any]:
    """Those that are required stand first."""
    options = [each for each in command.params if each.param_type_name == "option"]
    return sorted(options, key=lambda each: not each.required)


def _usage(parameter: Any) -> str:
    if parameter.param_type_name == "option":
        return f"{parameter.opts[0]} {_value(parameter)}" if parameter.required else ""
    word = (parameter.metavar or parameter.name).upper()
    many = "..." if parameter.nargs == -1 else ""
    return f"{word}{many}" if parameter.required else f"[{word}{many}]"


def _value(option: Any) -> str:
    return "" if option.is_flag else option.metavar or VALUES.get(option.name, option.name.upper())


def _option(parameter: Any) -> tuple[str, str, str]:
    option = parameter.param_type_name == "option"
    if option:
        names = ", ".join(f"`{name}`" for name in parameter.opts)
        said = f"{names} `{_value(parameter)}`" if _value(parameter) else names
    else:
        said = f"`{_usage(parameter).strip('[].')}`"
    default = parameter.default
    plain = default if isinstance(default, str | int | float) and default not in {False, ""} else ""
    shown = f"`{plain}`" if plain else "**required**" if parameter.required else ""
    again = " May be given several times." if option and parameter.multiple else ""
    return said, f"{parameter.help or ''}{again}", shown
