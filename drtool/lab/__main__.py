"""``python -m drtool.lab``: the lab's verbs without the rest of the command line."""

from __future__ import annotations

import argparse
import sys

from drtool.errors import DrtoolError
from drtool.lab import verbs


def main(arguments: list[str] | None = None) -> int:
    """Do one verb; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m drtool.lab", description=__doc__)
    commands = parser.add_subparsers(dest="verb", required=True)
    up = commands.add_parser("up")
    up.add_argument("--without-prefect", action="store_true")
    up.add_argument("--servers")
    up.add_argument("--dns")
    commands.add_parser("status").add_argument("--json", action="store_true")
    for verb in ("break", "mend", "button"):
        commands.add_parser(verb).add_argument("site")
    commands.add_parser("down")
    given = parser.parse_args(arguments)
    try:
        match given.verb:
            case "up":
                verbs.up(servers=given.servers, dns=given.dns, prefect=not given.without_prefect)
            case "status":
                verbs.status(as_json=given.json)
            case "break":
                verbs.break_site(given.site)
            case "mend":
                verbs.mend(given.site)
            case "button":
                verbs.button(given.site)
            case "down":
                verbs.down()
    except DrtoolError as error:
        sys.stderr.write(error.text() + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
