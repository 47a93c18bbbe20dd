"""What a shell needs to work with the lab by hand."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from drtool.errors import BadInput
from drtool.lab.layout import Layout, default_home
from drtool.lab.status import LabStatus
from drtool.lab.status import status as look


def environment() -> str:
    """Shell lines that export the lab's places; no secret stands in them.

    Raises BadInput when the lab is not up.
    """
    seen = look(default_home())
    if not seen.up:
        raise BadInput("lab", "is not up", hint="drtool lab up")
    return "\n".join(_lines(seen))


def _lines(seen: LabStatus) -> Iterator[str]:
    west = seen.sites["west"].ssh
    yield f"export LAB={shlex.quote(seen.home)}"
    yield f"export LAB_INVENTORY={shlex.quote(seen.inventory)}"
    yield f"export LAB_SSH_USER={shlex.quote(west.user)}"
    yield f"export LAB_SSH_PORT={west.port}"
    yield f"export LAB_SSH_KEY={shlex.quote(west.key_file)}"
    yield f"export LAB_HOST_KEY={shlex.quote(' '.join(west.host_key.split()[:2]))}"
    people = Layout(Path(seen.home)).people
    if people.exists():
        yield f"export LAB_PEOPLE={shlex.quote(str(people))}"
    if seen.prefect is not None:
        yield f"export PREFECT_API_URL={shlex.quote(seen.prefect.api_url)}"
        yield f'export PREFECT_API_AUTH_STRING="$(cat {shlex.quote(seen.prefect.auth_file)})"'
