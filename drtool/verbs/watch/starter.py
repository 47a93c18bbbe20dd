"""Start one run as a process without threads: ``python -m drtool.verbs.watch.starter``.

It reads the request from standard input and writes what became of it to standard output. What
may be started without a person is judged by the engine itself, from the inventory's file.
"""

from __future__ import annotations

import sys

from drtool.errors import DrtoolError
from drtool.verbs.launch import Launched
from drtool.verbs.request import StartRequest
from drtool.verbs.start import begin


def main() -> None:
    """Start it and say so."""
    request = StartRequest.model_validate_json(sys.stdin.read())
    try:
        launched = begin(request)
    except DrtoolError as error:
        launched = Launched(text=error.text(), exit_code=error.exit_code)
    sys.stdout.write(launched.model_dump_json())


if __name__ == "__main__":
    main()
