"""Actions and checks over HTTP, at the address that the zone's servers give."""

from drtool.actions.http.answers import Answers
from drtool.actions.http.request import Request
from drtool.actions.http.writes import Writes

__all__ = ["Answers", "Request", "Writes"]
