"""Prefect's settings for the vehicle: short limits, its log in a file, no server of its own."""

from __future__ import annotations

from pathlib import Path

from drtool.compiler.api import Api

REQUEST_SECONDS = 5
_LOGGING = Path(__file__).with_name("prefect_logging.yml")


def environment(api: Api, log_file: Path, prefect_home: Path | None) -> dict[str, str]:
    """The variables under which Prefect is to be imported.

    No retries: a request that fails is told of, or made again, by us. The log goes to a file,
    never to a terminal and never to the API. Without ``prefect_home`` the user's own stays.
    """
    settings = {
        "PREFECT_API_URL": api.url,
        "PREFECT_API_AUTH_STRING": api.auth,
        "PREFECT_API_KEY": api.key,
        "PREFECT_API_REQUEST_TIMEOUT": str(REQUEST_SECONDS),
        "PREFECT_CLIENT_MAX_RETRIES": "0",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_LOGGING_SETTINGS_PATH": str(_LOGGING),
        "PREFECT_LOGGING_HANDLERS_FILE_FILENAME": str(log_file),
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
        "DO_NOT_TRACK": "1",
    }
    if prefect_home is not None:
        settings["PREFECT_HOME"] = str(prefect_home)
    return {name: value for name, value in settings.items() if value}
