"""What PostgreSQL says of a failed statement, by its code: final, or worth another try."""

from __future__ import annotations

import pytest

from drtool.connections.postgresql.trouble import connect_trouble, statement_trouble, turned_away
from drtool.errors import AccessDenied, BadInput, DrtoolError, StepFailed, Unreachable


class Said(Exception):
    """An error as psycopg gives it."""

    def __init__(self, sqlstate: str | None, text: str) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("state", "primary", "standby"),
    [
        ("42501", AccessDenied, AccessDenied),
        ("42P01", BadInput, StepFailed),
        ("3F000", BadInput, StepFailed),
        ("42703", BadInput, BadInput),
        ("42883", BadInput, BadInput),
        ("42809", BadInput, BadInput),
        ("42704", StepFailed, StepFailed),  # a slot that somebody else has just dropped
        ("57014", StepFailed, StepFailed),
        ("53100", StepFailed, StepFailed),
    ],
)
def test_what_no_later_try_can_mend_is_final(
    state: str, primary: type[DrtoolError], standby: type[DrtoolError]
) -> None:
    for kind, in_recovery in ((primary, False), (standby, True)):
        told = statement_trouble(
            "west.db", "table orders", Said(state, "no such luck"), standby=in_recovery
        )
        assert type(told) is kind
        assert told.line().startswith("postgresql west.db: table orders: ")


@pytest.mark.parametrize(
    "text",
    [
        "the database system is starting up",
        "sorry, too many clients already",
        "remaining connection slots are reserved for roles with the SUPERUSER attribute",
        "terminating connection due to administrator command",
        "canceling authentication due to timeout",
    ],
)
def test_a_server_that_takes_nobody_for_now_is_asked_again(text: str) -> None:
    told = connect_trouble("west.db", "127.0.2.1:5432", Said(None, f"FATAL:  {text}"))
    assert type(told) is Unreachable
    assert text in told.line()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FATAL:  sorry, too many clients already", True),
        ('FATAL:  no pg_hba.conf entry for host "127.0.0.1"', True),
        ('FATAL:  password authentication failed for user "drtool"', True),
        ("FATAL:  the database system is starting up", True),
        ("connection to server failed: Connection refused", False),
        ("server closed the connection unexpectedly", False),
        ("FATAL:  pgbouncer cannot connect to server", False),
        ("FATAL:  server login has been failing, try again later (server_login_retry)", False),
        ("FATAL:  no more connections allowed (max_client_conn)", False),
    ],
)
def test_who_is_turned_away_by_a_server_and_who_by_a_pooler(text: str, *, found: bool) -> None:
    assert turned_away(connect_trouble("east.db", "127.0.1.1:5432", Said(None, text))) is found
