"""What carries a run: Prefect where it answers, the engine itself where it does not."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from drtool.compiler.api import Api
from drtool.compiler.server import embedded
from drtool.errors import DrtoolError

ANSWER_SECONDS = 0.5


class EngineMode(Enum):
    """What the person who starts a run asked for."""

    AUTO = "auto"
    PREFECT = "prefect"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """What was chosen, and what the person must be told of it; ``note`` is empty if nothing."""

    kind: EngineMode
    api: Api | None = None
    note: str = ""


def choose_engine(
    mode: EngineMode, home: Path, environ: Mapping[str, str], seconds: float = ANSWER_SECONDS
) -> EngineChoice:
    """Choose within ``seconds``, and never start a server.

    ``auto`` goes through Prefect only if its API answers now; ``prefect`` goes through any that
    is configured, since each step goes directly anyway if Prefect does not start it in time.
    """
    if mode is EngineMode.DIRECT:
        return EngineChoice(EngineMode.DIRECT)
    api = Api.from_environment(environ) or embedded(home)
    if api is None:
        return EngineChoice(
            EngineMode.DIRECT,
            note="no Prefect API: PREFECT_API_URL is not set and drtool's own server is not"
            " running ('drtool server start'); steps run directly",
        )
    trouble = _trouble(api, seconds)
    if not trouble:
        return EngineChoice(EngineMode.PREFECT, api)
    if mode is EngineMode.PREFECT:
        return EngineChoice(
            EngineMode.PREFECT, api, f"{trouble}; steps run directly until it answers"
        )
    return EngineChoice(
        EngineMode.DIRECT, None, f"{trouble}; steps run directly, Prefect will not show this run"
    )


def _trouble(api: Api, seconds: float) -> str:
    """Why the API cannot be used now, as a sentence, or ""; a server that drips cannot hold us."""
    found = [f"Prefect API {api.shown}: no answer within {seconds:g} s"]

    def look() -> None:
        try:
            api.version(seconds)
            found[0] = ""
        except DrtoolError as error:
            found[0] = error.line()

    looking = threading.Thread(target=look, name="prefect-health", daemon=True)
    looking.start()
    looking.join(seconds)
    return found[0]
