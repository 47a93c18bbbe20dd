"""How the Prefect API fares that runs would go through."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from drtool.compiler.api import Api
from drtool.compiler.server import embedded
from drtool.errors import DrtoolError
from drtool.model.value import Value

SECONDS = 2.0
_LATE = {"flow_runs": {"state": {"name": {"any_": ["Late"]}}}}


class Health(Value):
    """What the API answers, and after how long.

    Without ``url`` none is configured; ``ours`` is drtool's own server. ``late`` are flow runs
    that should have begun and have not. ``trouble`` is why it cannot be used, ``hint`` what to do.
    """

    url: str = ""
    ours: bool = False
    seconds: float = 0.0
    client: str
    server: str = ""
    late: int = 0
    trouble: str = ""
    hint: str = ""


def health(home: Path, environ: Mapping[str, str], seconds: float = SECONDS) -> Health:
    """Ask the API that a run would choose; ``seconds`` bound each of two requests."""
    client = metadata.version("prefect")
    api = Api.from_environment(environ)
    ours = embedded(home) if api is None else None
    asked = api or ours
    if asked is None:
        return Health(client=client)
    found = Health(url=asked.shown, ours=ours is not None, client=client)
    began = time.monotonic()
    try:
        server = asked.version(seconds)
        took = time.monotonic() - began
        late = int(asked.post("/flow_runs/count", _LATE, seconds))
    except (DrtoolError, TypeError, ValueError) as error:
        trouble = error.found if isinstance(error, DrtoolError) else "is no Prefect API"
        hint = error.hint if isinstance(error, DrtoolError) else ""
        return found.model_copy(update={"trouble": trouble, "hint": hint})
    return found.model_copy(update={"server": server, "seconds": round(took, 3), "late": late})
