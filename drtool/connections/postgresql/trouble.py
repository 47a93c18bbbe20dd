"""Turn what libpq and PostgreSQL say into one line each, with a hint."""

from __future__ import annotations

import re

from drtool.errors import AccessDenied, BadInput, DrtoolError, StepFailed, Unreachable

_TURNED_AWAY = (
    (r"(password|SASL) authentication failed|no password supplied|fe_sendauth", "password refused",
     "check the system's user and the secret that its password refers to"),
    (r"no pg_hba\.conf entry|pg_hba\.conf rejects", "no entry in pg_hba.conf lets us in",
     "add a line to its pg_hba.conf for this user, database and address, then pg_ctl reload"),
    (r'database "[^"]*" does not exist', "", "check `database` of the system in the inventory"),
    (r'role "[^"]*" does not exist', "", "check `user` of the system in the inventory"),
    (r"permission denied for database|not permitted to log in|CONNECT privilege", "",
     "GRANT CONNECT ON DATABASE to the user, or give it LOGIN"),
    (r"^not allowed$", "not one of its admin_users",
     "name the user under admin_users in its configuration"),
    (r"certificate|SSL|TLS|root\.crt", "", "check sslmode and sslrootcert of the system"),
)  # fmt: skip
# Of what does not exist (PostgreSQL, "Error Codes"): a table or schema may not have been replayed
# on a standby; a column comes with our own tables, a function with the server, and what is no
# table does not become one.
_NOT_REPLAYED = frozenset({"42P01", "3F000"})
_NEVER_THERE = frozenset({"42703", "42883", "42809"})
_NOT_NOW = (
    r"starting up|shutting down|not yet accepting|recovery mode|not accepting connections"
    r"|too many (clients|connections)|connection slots are reserved|administrator command"
    r"|canceling authentication due to timeout"
)

# What poolers say of themselves: it tells nothing of a server behind them.
_POOLERS = (
    r"pgbouncer|pgpool|odyssey|from the pool|cannot connect to server|server_login_retry"
    r"|max_client_conn|query_wait_timeout"
)


def one_line(error: BaseException) -> str:
    """What an error says, without libpq's preamble, on one line."""
    text = " ".join(str(error).split())
    text = re.sub(r"^connection (to server )?.{0,200}? failed: ", "", text)
    text = re.sub(r"^(connection is bad|connection failed): ", "", text)
    return text.removeprefix("FATAL: ").strip() or type(error).__name__


def connect_trouble(subject: str, where: str, error: BaseException) -> DrtoolError:
    """What went wrong while connecting: Unreachable, or AccessDenied with what to check."""
    text = one_line(error)
    if re.search(r"refused|no such file", text, re.IGNORECASE):
        return Unreachable(subject, f"nothing listens at {where}", "a server",
                           "is it started, and is the port right?")  # fmt: skip
    if re.search(_NOT_NOW, text):
        return Unreachable(subject, f"at {where}: {text}", "a server that takes connections")
    for pattern, found, hint in _TURNED_AWAY:
        if re.search(pattern, text):
            return AccessDenied(subject, f"at {where}: {found or text}", "", hint)
    if "FATAL" in str(error):
        return AccessDenied(subject, f"at {where}: {text}")
    return Unreachable(subject, f"at {where}: {text}", "a server that answers")


def turned_away(error: DrtoolError) -> bool:
    """Whether it shows a server that answers, and takes nobody or not us; a pooler is none."""
    if re.search(_POOLERS, error.found):
        return False
    return isinstance(error, AccessDenied) or re.search(_NOT_NOW, error.found) is not None


def statement_trouble(place: str, what: str, error: BaseException, *, standby: bool) -> DrtoolError:
    """What went wrong with a statement; the connection is still good.

    AccessDenied and BadInput for what no later try can mend, StepFailed for the rest.
    """
    subject = f"postgresql {place}"
    state = getattr(error, "sqlstate", None) or ""
    text = one_line(error).split(" LINE 1:")[0]
    if state == "42501":
        return AccessDenied(subject, f"{what}: {text}", "the right to do so",
                            "GRANT it to the system's user, or use one that has it")  # fmt: skip
    if state in _NOT_REPLAYED | _NEVER_THERE:
        kind = StepFailed if standby and state in _NOT_REPLAYED else BadInput
        return kind(subject, f"{what}: {text}", "that it exists",
                    "check the name, and `database` of the system")  # fmt: skip
    if state == "57014":
        return StepFailed(subject, f"{what}: took too long and was cancelled", "an answer in time")
    if state in {"25006", "55000"} and "recovery" in text:
        return StepFailed(subject, f"{what}: {text}", "a primary")
    return StepFailed(subject, f"{what}: {text}")
