"""Why Slack did not take a message, in our words, and what a person can do about it."""

from __future__ import annotations

import re
import socket
import ssl
import urllib.error
from collections.abc import Mapping, Sequence

from drtool.errors import AccessDenied, DrtoolError, InDoubt, StepFailed, Unreachable
from drtool.model.value import Value

Headers = Mapping[str, str | Sequence[str]]

_TOKEN = "copy the app's bot token, which begins with xoxb-, from its page OAuth & Permissions"  # noqa: S105 - a hint
_JOIN = "type in the channel: /invite @ and the app's name"
_ID = "copy the id from the channel's details; into a private channel the app must be invited"
_HOOK = "make a new webhook on the app's page Incoming Webhooks"
_ADMIN = "ask the workspace's administrators to let the app post there"
_OURS = "tell the authors of drtool: this is a fault of the message"

_CURES: dict[str, tuple[str, str]] = {
    "invalid_auth": ("does not accept the token", _TOKEN),
    "not_authed": ("was sent no token", _TOKEN),
    "token_expired": ("does not accept the token, which has expired", _TOKEN),
    "token_revoked": ("does not accept the token, which was revoked", _TOKEN),
    "account_inactive": ("does not accept the token, whose app was removed", _TOKEN),
    "not_allowed_token_type": ("does not accept a token of this kind", _TOKEN),
    "missing_scope": (
        "does not let the token do this",
        "add the scope chat:write on the app's page OAuth & Permissions, then reinstall the app",
    ),
    "channel_not_found": ("knows no such channel, or does not show it to the app", _ID),
    "not_in_channel": ("lets only members post, and the app is none", _JOIN),
    "no_permission": ("does not let the app post there", _JOIN),
    "is_archived": ("has archived the channel", "unarchive it, or name another channel"),
    "channel_is_archived": ("has archived the channel", "unarchive it, or make a new webhook"),
    "restricted_action": ("does not let the app post there", _ADMIN),
    "restricted_action_read_only_channel": ("lets nobody post there", _ADMIN),
    "action_prohibited": ("does not let the webhook post there", _ADMIN),
    "no_service": ("knows no such webhook", _HOOK),
    "no_team": ("knows no such webhook", _HOOK),
    "invalid_token": ("knows no such webhook", _HOOK),
    "cant_update_message": ("does not let the app change its message", _ADMIN),
    "edit_window_closed": (
        "does not let messages be changed any more",
        "allow editing in the workspace's settings; until then the first message stays as it is",
    ),
    "message_not_found": ("knows the message no more: somebody has deleted it", ""),
    "thread_not_found": ("knows the thread no more: somebody has deleted it", ""),
    "invalid_blocks": ("does not take the message's form", _OURS),
    "invalid_blocks_format": ("does not take the message's form", _OURS),
    "msg_blocks_too_long": ("does not take so long a message", _OURS),
    "msg_too_long": ("does not take so long a message", _OURS),
    "no_text": ("takes no message without text", _OURS),
    "invalid_payload": ("does not take the message's form", _OURS),
}
_PASSING = {"ratelimited", "rate_limited", "fatal_error", "internal_error", "service_unavailable"}
_WHOLE = {code for code, (_, hint) in _CURES.items() if hint == _TOKEN} | {"missing_scope"}
ABOUT_FORM = frozenset(code for code, (_, hint) in _CURES.items() if hint == _OURS)
ABOUT_CHANGE = frozenset({"cant_update_message", "edit_window_closed", "message_not_found"})
_CODE = re.compile(r"[a-z][a-z0-9_]{2,60}")


class Refusal(Value):
    """A message that was not taken: Slack's word for it, and ours.

    ``lasting`` says that trying again changes nothing. ``in_doubt`` says that the message may
    have arrived all the same. ``whole`` says that every channel of the workspace is concerned.
    ``retry_after`` are the seconds that Slack asks us to wait.
    """

    code: str
    found: str
    hint: str = ""
    lasting: bool = False
    in_doubt: bool = False
    whole: bool = False
    retry_after: float | None = None

    @property
    def sentence(self) -> str:
        """What is wrong, with Slack's own word where it has one."""
        return f"{self.found} ({self.code})" if self.code in _CURES else self.found

    def error(self, subject: str) -> DrtoolError:
        """The same, to be raised."""
        if self.in_doubt:
            return InDoubt(subject, self.sentence, hint=self.hint)
        if self.whole and self.lasting:
            return AccessDenied(subject, self.sentence, hint=self.hint)
        if self.code == "unreachable":
            return Unreachable(subject, self.sentence, hint=self.hint)
        return StepFailed(subject, self.sentence, hint=self.hint)


def refused(code: str, status: int, headers: Headers, needed: str | None = None) -> Refusal:
    """What an answer means that is no yes."""
    wait = _retry_after(headers)
    if status == 429 or code in {"ratelimited", "rate_limited"}:
        wait = 30.0 if wait is None else wait
        return Refusal(
            code="ratelimited",
            found=f"takes no more messages for {wait:g} s: too many were sent",
            retry_after=wait,
        )
    if code in _CURES:
        found, hint = _CURES[code]
        if code == "missing_scope" and needed:
            found = f"does not let the token do this without the scope {needed}"
            hint = hint.replace("chat:write", needed)
        return Refusal(code=code, found=found, hint=hint, lasting=True, whole=code in _WHOLE)
    word = code if _CODE.fullmatch(code) else ""
    if status >= 500 or word in _PASSING:
        found = f"answered {status}" + (f" ({word})" if word else "")
        return Refusal(code=word or f"http_{status}", found=found, in_doubt=True, whole=True)
    if not word:
        what = "answers, and is not Slack" if status == 200 else f"answered {status}"
        return Refusal(code="no_slack", found=what, hint=_OTHER, whole=True)
    return Refusal(code=word, found=f"refuses: {word}")


_OTHER = "look for a proxy or a portal between here and Slack, and at notify.slack.url"


def unanswered(error: Exception) -> Refusal:
    """What it means that no answer came."""
    # urllib wraps what fails before the request was sent, and only that
    connecting = isinstance(error, urllib.error.URLError)
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        found = "does not answer" if connecting else "gave no whole answer in time"
        return Refusal(code="timeout", found=found, in_doubt=not connecting, whole=True)
    if isinstance(reason, ssl.SSLError):
        # what failed in OpenSSL has one of these, what Python found neither
        why = getattr(reason, "verify_message", "") or getattr(reason, "reason", "")
        found = f"cannot be reached over TLS: {why or reason.strerror}"
        return Refusal(code="unreachable", found=found, hint=_OTHER, whole=True)
    if isinstance(reason, socket.gaierror):
        return Refusal(code="unreachable", found="has no address here: DNS fails", whole=True)
    if isinstance(reason, OSError):
        found = f"cannot be reached: {reason.strerror or type(reason).__name__}"
        return Refusal(code="unreachable", found=found, in_doubt=not connecting, whole=True)
    found = f"gave an answer that cannot be read: {type(error).__name__}"
    return Refusal(code="unreadable", found=found, in_doubt=True, whole=True)


def _retry_after(headers: Headers) -> float | None:
    for name, value in headers.items():
        if name.lower() == "retry-after":
            text = value if isinstance(value, str) else next(iter(value), "")
            return float(text) if text.isdigit() else None
    return None
