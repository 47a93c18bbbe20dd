"""What Patroni's answers are read as, and what its refusals become; no network."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from patroni_values import inventory

from drtool.clock import SystemClock
from drtool.connections.patroni import PatroniHands, PatroniReader, hands, leader_of
from drtool.connections.patroni.answers import read_settings
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.errors import AccessDenied, BadInput, InDoubt, Refused, StepFailed, Unreachable
from drtool.model.patroni import Following
from drtool.redact import Redactor

TARGET = "east.orders_db"
DATE = {"Date": "Sun, 01 Mar 2026 12:00:00 GMT"}
SEEN = 1772366390  # ten seconds before
Answer = httpx.Response | Exception


def status(name: str, role: str, **changed: object) -> dict[str, Any]:
    return {
        "state": "running", "role": role, "dcs_last_seen": SEEN,
        "database_system_identifier": "7412",
        "patroni": {"version": "4.1.5", "scope": "orders", "name": name}, **changed,
    }  # fmt: skip


def told(body: object, code: int = 200) -> httpx.Response:
    return httpx.Response(code, text=json.dumps(body), headers=DATE)


LISTED = {
    "members": [
        {"name": "pg1", "role": "leader", "state": "running"},
        {"name": "pg2", "role": "replica", "state": "streaming", "lag": 7,
         "tags": {"nofailover": True}},
        {"name": "pg9", "role": "replica", "state": "streaming", "lag": "unknown"},
    ]
}  # fmt: skip
WELL: dict[str, Answer] = {
    "192.0.2.1/patroni": told(status("pg1", "primary")),
    "192.0.2.2/patroni": told(status("pg2", "replica", replication_state="streaming")),
    "/cluster": told(LISTED),
    "/config": told({"ttl": 30, "pause": True, "slots": {"west": {"type": "physical"}}}),
}


class Told:
    """Answers by the end of the URL, and keeps what was asked."""

    def __init__(self, **answers: Answer) -> None:
        self.answers: dict[str, Answer] = {**WELL, **answers}
        self.asked: list[tuple[str, str, object]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        where = f"{request.url.host}{request.url.path}"
        body = json.loads(request.content) if request.content else None
        self.asked.append((request.method, where, body))
        found = next(
            (
                answer
                for key, answer in reversed(self.answers.items())
                if where.endswith(key.removeprefix(f"{request.method} "))
                and (" " not in key or key.startswith(f"{request.method} "))
            ),
            httpx.ConnectError("[Errno 111] Connection refused"),
        )
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found.status_code, text=found.text, headers=found.headers)


def made(
    told_by: Callable[[httpx.Request], httpx.Response], connect_seconds: float = 2.0
) -> PatroniHands:
    context = Context(
        inventory(), Secrets(Redactor()), SystemClock(), connect_seconds=connect_seconds
    )
    system = context.inventory.sites["east"].systems["orders_db"]
    client = httpx.Client(transport=httpx.MockTransport(told_by), auth=("drtool", "rest"))
    return PatroniHands(TARGET, system, context, client)  # type: ignore[arg-type]


def test_the_members_and_their_dcs_are_read() -> None:
    seen = made(Told()).cluster()
    assert [str(node) for node in seen.nodes] == [
        "pg1: primary running", "pg2: replica streaming, 7 bytes behind",
    ]  # fmt: skip
    assert (seen.leader, seen.role, seen.paused) == (seen.nodes[0], "primary", True)
    assert seen.strangers == ("pg9",)
    assert seen.nodes[0].dcs_age_seconds == 10.0
    assert seen.nodes[1].listed is not None
    assert seen.nodes[1].listed.barred
    assert seen.settings is not None
    assert seen.settings.slots == ("west",)


def test_silence_of_one_member_is_data() -> None:
    seen = made(Told(**{"192.0.2.1/patroni": httpx.ConnectTimeout("timed out")})).cluster()
    assert [node.answers for node in seen.nodes] == [False, True]
    assert "does not answer" in seen.nodes[0].trouble
    assert seen.settings is not None
    silent = {f"192.0.2.{n}/patroni": httpx.ConnectError("refused") for n in (1, 2)}
    nobody = made(Told(**silent)).cluster()
    assert (nobody.settings, nobody.dcs_trouble) == (None, "no member answers")
    with pytest.raises(Unreachable, match="no member's REST API answers"):
        made(Told(**silent)).configure({"pause": True})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.RemoteProtocolError("Server disconnected"), "gave no reply to GET /cluster"),
        (httpx.ReadTimeout("timed out"), "not in time"),
        (httpx.Response(502), "answers 502"),
        (httpx.Response(200, text="<html>"), "does not answer in JSON"),
        (told([]), "does not answer as Patroni does"),
    ],
)
def test_a_dcs_that_is_lost_is_told_with_what_the_members_still_say(
    answer: Answer, words: str
) -> None:
    seen = made(Told(**{"/cluster": answer})).cluster()
    assert seen.settings is None
    assert words in seen.dcs_trouble
    assert seen.nodes[0].role == "primary"
    assert (seen.role, seen.paused, seen.leader) == ("unknown", False, None)


def test_another_clusters_or_members_answer_is_none() -> None:
    swapped = told(status("pg2", "primary"))
    node = made(Told(**{"192.0.2.1/patroni": swapped})).nodes()[0]
    assert node.trouble == "http://192.0.2.1:8008 answers for orders/pg2, expected orders/pg1"


@pytest.mark.parametrize(
    ("code", "text", "kind", "words"),
    [
        (401, "no auth header received", AccessDenied, r"turns us away \(401\): no auth header"),
        (409, "", StepFailed, "somebody else changed it at the same moment"),
        (503, "", StepFailed, "its DCS holds no configuration"),
        (500, "<html>", StepFailed, "no reason given"),
    ],
)
def test_a_change_that_is_not_taken_is_told(
    code: int, text: str, kind: type[Exception], words: str
) -> None:
    hands = made(Told(**{"PATCH /config": httpx.Response(code, text=text)}))
    with pytest.raises(kind, match=words):
        hands.configure({"pause": True})


def test_a_change_goes_to_the_leader_and_without_a_reply_is_in_doubt() -> None:
    answers = Told(**{"PATCH /config": told({})})
    made(answers).configure({"standby_cluster": None})
    assert answers.asked[-1] == ("PATCH", "192.0.2.1/config", {"standby_cluster": None})
    lost = Told(**{"PATCH /config": httpx.RemoteProtocolError("Server disconnected")})
    with pytest.raises(InDoubt, match="gave no reply to PATCH /config"):
        made(lost).configure({"standby_cluster": None})


def test_a_reply_that_never_ends_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "CHANGE_SECONDS", 0.05)
    answers, over = Told(), threading.Event()

    def drips(request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH" or request.url.host == "192.0.2.2":
            over.wait(30)
        return answers(request)

    try:
        with pytest.raises(InDoubt, match="gave no reply to PATCH /config: not in time"):
            made(drips, connect_seconds=0.05).configure({"standby_cluster": None})
        seen = made(drips, connect_seconds=0.05).cluster()
    finally:
        over.set()
    assert [node.answers for node in seen.nodes] == [True, False]
    assert "gave no reply to GET /patroni: not in time" in seen.nodes[1].trouble


@pytest.mark.parametrize(
    ("code", "kind"), [(412, Refused), (400, Refused), (503, StepFailed), (200, None)]
)
def test_what_patroni_says_to_a_switchover(code: int, kind: type[Exception] | None) -> None:
    said = httpx.Response(code, text="candidate does not exists")
    hands = made(Told(**{"POST /switchover": said}))
    if kind is None:
        hands.switch("pg1", "pg2")
        return
    with pytest.raises(kind, match=rf"candidate does not exists \({code}\)"):
        hands.switch("pg1", "pg2")


def test_only_a_wrong_password_is_told_before_the_start() -> None:
    denied = Told(**{"POST /switchover": httpx.Response(401, text="not authenticated")})
    with pytest.raises(AccessDenied, match=r"turns us away"):
        made(denied).check_password()
    for other in (httpx.Response(400), httpx.ReadTimeout("late")):
        made(Told(**{"POST /switchover": other})).check_password()


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("REST", "rest")
    return Context(inventory(), Secrets(Redactor()), SystemClock())


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({}, "east.orders_db.pg1"),
        ({"192.0.2.1/patroni": told(status("pg1", "replica"))}, None),
        ({"192.0.2.2/patroni": told(status("pg2", "primary"))}, "east.orders_db.pg1"),
        (
            {
                "192.0.2.1/patroni": told(status("pg1", "replica")),
                "192.0.2.2/patroni": told(status("pg2", "standby_leader")),
            },
            "east.orders_db.pg2",
        ),
    ],
)
def test_the_leader_is_found_among_the_members(
    answers: dict[str, Answer],
    found: str | None,
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PatroniReader, "open", lambda target, _: made(Told(**answers)))
    if found is not None:
        assert leader_of(TARGET, context) == found
        return
    with pytest.raises(Unreachable, match="no member leads: pg1: replica running"):
        leader_of(TARGET, context)


def test_what_is_no_cluster_is_bad_input(context: Context) -> None:
    for target in ("east.pool", "east.nothing", "north.orders_db"):
        with pytest.raises(BadInput, match="no Patroni cluster there"):
            PatroniReader.open(target, context)
    PatroniReader.open(TARGET, context).close()


@pytest.mark.parametrize(
    ("section", "found"),
    [
        (None, None),
        ({}, None),
        ({"host": "", "port": ""}, None),
        ({"host": "192.0.2.3", "port": 5432}, Following(host="192.0.2.3", port="5432")),
        ({"restore_command": "cp"}, Following(restore_command="cp")),
    ],
)
def test_when_a_cluster_follows_another(section: object, found: Following | None) -> None:
    assert read_settings({"standby_cluster": section}).following == found
