"""What Slack's answers mean: whether to try again, elsewhere, or never, and what to do."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.error

import pytest

from drtool.connections.slack_refusal import refused, unanswered
from drtool.errors import AccessDenied, DrtoolError, InDoubt, StepFailed, Unreachable


@pytest.mark.parametrize(
    ("error", "code", "found", "doubt"),
    [
        (urllib.error.URLError(TimeoutError()), "timeout", "does not answer", False),
        (TimeoutError(), "timeout", "gave no whole answer in time", True),
        (
            urllib.error.URLError(socket.gaierror(-2, "Name or service not known")),
            "unreachable",
            "has no address here: DNS fails",
            False,
        ),
        (
            urllib.error.URLError(ConnectionRefusedError(111, "Connection refused")),
            "unreachable",
            "cannot be reached: Connection refused",
            False,
        ),
        (ConnectionResetError(), "unreachable", "cannot be reached: ConnectionResetError", True),
        (
            urllib.error.URLError(ssl.SSLCertVerificationError(1, "self-signed")),
            "unreachable",
            "cannot be reached over TLS: self-signed",
            False,
        ),
        (
            http.client.BadStatusLine("x"),
            "unreadable",
            "gave an answer that cannot be read: BadStatusLine",
            True,
        ),
    ],
)
def test_no_answer(error: Exception, code: str, found: str, doubt: bool) -> None:
    why = unanswered(error)
    assert (why.code, why.sentence, why.in_doubt) == (code, found, doubt)
    assert (why.whole, why.lasting) == (True, False)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"Retry-After": ["3"]}, 3),
        ({"Retry-After": "soon"}, 30),
        ({}, 30),
    ],
)
def test_how_long_slack_wants_to_be_left_alone(headers: dict[str, str], seconds: float) -> None:
    assert refused("", 429, headers).retry_after == seconds
    assert refused("rate_limited", 200, headers).retry_after == seconds


def test_a_missing_scope_is_named() -> None:
    why = refused("missing_scope", 200, {}, "channels:join")
    assert "without the scope channels:join (missing_scope)" in why.sentence
    assert "add the scope channels:join" in why.hint
    assert "chat:write" in refused("missing_scope", 200, {}).hint


def test_what_is_not_known_is_tried_again() -> None:
    why = refused("slack_is_tired", 200, {})
    assert (why.sentence, why.lasting) == ("refuses: slack_is_tired", False)


@pytest.mark.parametrize(
    ("why", "kind"),
    [
        (refused("invalid_auth", 200, {}), AccessDenied),
        (refused("is_archived", 200, {}), StepFailed),
        (refused("", 502, {}), InDoubt),
        (unanswered(urllib.error.URLError(TimeoutError())), StepFailed),
        (unanswered(urllib.error.URLError(ConnectionRefusedError())), Unreachable),
    ],
)
def test_the_same_as_an_error(why: object, kind: type[DrtoolError]) -> None:
    error = why.error("Slack channel C1")  # type: ignore[attr-defined]
    assert type(error) is kind
    assert error.subject == "Slack channel C1"
