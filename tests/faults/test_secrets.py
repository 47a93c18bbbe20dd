"""Secrets never leave: canaries in every kind of reference, searched for wherever a run writes."""

from __future__ import annotations

import base64
import json
import shlex
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from canaries import Canaries, Watcher
from effects import EffectServer, Typist, until
from prefect_server import PrefectServer
from slack_standin import CHANNEL, SlackStandIn

from drtool.compiler.ask import recorded
from drtool.process import runs

pytestmark = pytest.mark.faults

ENV = 'canary-env-4711+/="x'
FILE = "canary-file-0815 +/=\\'y"
COMMAND = "canary-command-3141&%=z"
TOKEN = "xoxb-canary-4f1d9b3e77"  # the one that the stand-in takes
TRIES = 5  # a step that a busy machine starts late runs directly
NEEDED = {"drtool.notify.herald": frozenset({"token"})}
INVENTORY = """
version: 1
services:
  orders: {{url: "{url}", preferred: east, lease: {{at: journal}}}}
sites:
  east: {{address: 127.0.0.1}}
  west: {{address: 127.0.0.2}}
notify:
  slack: {{channel: {channel}, token: {{secret: "env:SLACK_TOKEN"}}, url: "{slack}"}}
"""
STEP = """
    - step: {name}
      action: http.request
      path: /{name}
      status: [200]
      lacks: [{lacks}]
      headers:
        X-Env: {{secret: "env:CANARY"}}
        X-File: {{secret: "file:canary"}}
        X-Command: {{secret: {command}}}
"""


class Telltale:
    """A server that answers with what it was told, in every shape that programs write."""

    def __init__(self) -> None:
        self.status, self.told = 200, list[str]()
        telltale = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                secrets = [self.headers[name] for name in ("X-Env", "X-File", "X-Command")]
                telltale.told += secrets
                answer = "\n".join(line for one in secrets for line in told(one)).encode()
                self.send_response(telltale.status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def told(secret: str) -> Iterator[str]:
    data = secret.encode()
    yield f"access denied for {secret}: {secret!r} {json.dumps(secret)}"
    yield f"Basic {base64.b64encode(b'user:' + data).decode()} {base64.b64encode(data).decode()}"
    yield f"{data.hex()} {quote(secret)} {quote(secret, safe='')} {quote_plus(secret)}"


@pytest.fixture
def telltale() -> Iterator[Telltale]:
    made = Telltale()
    yield made
    made.close()


@pytest.fixture
def keeper(
    tmp_path: Path,
    telltale: Telltale,
    effect_server: EffectServer,
    slack: SlackStandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Typist]:
    """A typist whose runbook uses a secret of each kind of reference."""
    documents = tmp_path / "documents"
    documents.mkdir()
    made = Typist(documents, effect_server, tmp_path / "home")
    text = INVENTORY.format(url=telltale.url, channel=CHANNEL, slack=slack.url)
    (documents / "inventory.yaml").write_text(text)
    for name, secret in {"canary": FILE, "source": COMMAND}.items():
        (documents / name).write_text(secret)
        (documents / name).chmod(0o600)
    monkeypatch.setenv("CANARY", ENV)
    monkeypatch.setenv("SLACK_TOKEN", TOKEN)
    yield made
    made.leave()


def write_steps(keeper: Typist, *names: str, lacks: str = "") -> None:
    script = f"print(open({str(keeper.directory / 'source')!r}).read())"
    command = f"command:{shlex.join([sys.executable, '-c', script])}"
    keeper.write_runbook()
    steps = (STEP.format(name=name, lacks=lacks, command=json.dumps(command)) for name in names)
    keeper.runbook.write_text(keeper.runbook.read_text() + "".join(steps))


def searched(keeper: Typist, slack: SlackStandIn, watcher: Watcher, canaries: Canaries) -> None:
    """Look wherever somebody can read what a run leaves."""
    run = keeper.newest()
    for words in (
        ("status", run), ("status", run, "--json"), ("explain", run), ("report", run),
        ("report", run, "--json"), ("runs", "--json"), ("attach", run, "--json"),
        ("plan", keeper.runbook, "reprotect", "--from", "east", "--to", "west", "--json"),
        ("plan", keeper.runbook, "reprotect", "--from", "east", "--to", "west", "--manual"),
    ):  # fmt: skip
        said = keeper.type(*words)
        assert said.out, (words, said.err)
        canaries.search(f"what drtool {words[0]} {words[-1]} says", said.out + said.err)
    for message in slack.messages:
        canaries.search("Slack", json.dumps([message.texts, message.blocks]))
        canaries.search("Slack", message.all_text)
    assert canaries.search_files(keeper.home) > 5
    assert len(watcher.commands) > 3


def carried(
    keeper: Typist,
    watcher: Watcher,
    canaries: Canaries,
    *more: str,
    under_way: Callable[[str], object] = bool,
) -> str:
    """A run from its start to its end, and what its terminal is told.

    It is consented to when the run is ``under_way``.
    """
    run = keeper.start(*more)
    watcher.engines.add(str(keeper.state(run).pid))
    until(lambda: under_way(run))
    keeper.consent(run)
    attached = keeper.type("attach", run)
    canaries.search("the terminal", attached.out + attached.err)
    until(lambda: not runs(keeper.state(run).pid))
    return run


def all_of_them() -> Canaries:
    return Canaries({"env": ENV, "file": FILE, "command": COMMAND, "token": TOKEN})


def test_the_search_finds_a_secret_in_each_shape(tmp_path: Path) -> None:
    for secret in (ENV, FILE, COMMAND):
        for number, text in enumerate(told(secret)):
            canaries = all_of_them()
            (tmp_path / "file").write_text(text)
            canaries.search_files(tmp_path)
            assert canaries.found, (secret, number)


@pytest.mark.parametrize("how", ["succeeds", "fails", "is asked about"])
def test_no_secret_leaves_a_run_that_goes_directly(
    keeper: Typist, telltale: Telltale, slack: SlackStandIn, how: str
) -> None:
    canaries = all_of_them()
    write_steps(keeper, "one", "two", lacks='"denied for"' if how == "is asked about" else "")
    telltale.status = 500 if how == "fails" else 200
    with Watcher(canaries, NEEDED) as watcher:
        run = carried(keeper, watcher, canaries)
        searched(keeper, slack, watcher, canaries)
    assert {ENV, FILE, COMMAND} <= set(telltale.told), "the secrets were used"
    assert slack.messages
    ended = keeper.state(run).ended
    assert ended is not None
    assert (ended.exit_code == 0) == (how == "succeeds"), ended
    assert "[secret]" in keeper.type("report", run, "--json").out
    assert canaries.found == []


def test_no_secret_is_told_where_a_run_does_not_start(
    keeper: Typist, slack: SlackStandIn, telltale: Telltale
) -> None:
    """A reference that cannot be resolved is named; no value is."""
    del slack, telltale
    canaries = all_of_them()
    write_steps(keeper, "one")
    (keeper.directory / "canary").chmod(0o644)
    with Watcher(canaries, NEEDED) as watcher:
        run = carried(keeper, watcher, canaries)
    ended = keeper.state(run).ended
    assert ended is not None
    assert "file:canary" in ended.reason
    assert "chmod 600" in " ".join(one.hint for one in keeper.state(run).steps)
    canaries.search_files(keeper.home)
    assert canaries.found == []


def test_no_secret_stays_of_what_a_person_typed(
    keeper: Typist, slack: SlackStandIn, telltale: Telltale
) -> None:
    """The process that leaves the words resolves no secret for any other reason."""
    del slack, telltale
    canaries = all_of_them()
    write_steps(keeper, "one")
    run = keeper.start()
    said = keeper.type("abort", run, "--reason", f"they are {ENV} and {FILE}")
    assert said.code == 0, said.err
    canaries.search_files(keeper.home)
    until(lambda: not runs(keeper.state(run).pid))
    canaries.search_files(keeper.home)
    assert "they are [secret] and [secret]" in keeper.type("report", run, "--json").out
    assert canaries.found == []


def test_no_secret_leaves_a_run_through_prefect(
    keeper: Typist,
    telltale: Telltale,
    slack: SlackStandIn,
    prefect_server: PrefectServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = prefect_server.api
    monkeypatch.setenv("PREFECT_API_URL", api.url)
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", api.auth)
    for status in (200, 500):
        canaries = all_of_them()
        write_steps(keeper, "one", "two")
        telltale.status = status
        with Watcher(canaries, NEEDED) as watcher:
            for _ in range(TRIES):
                run = carried(
                    keeper, watcher, canaries, "--engine", "prefect",
                    under_way=lambda run: recorded(api, run).state == "RUNNING",
                )  # fmt: skip
                vias = {step.via.value for step in keeper.state(run).steps if step.via}
                if vias == {"prefect"}:
                    break
            searched(keeper, slack, watcher, canaries)
        assert any(b"drtool.compiler.vehicle" in one for one in watcher.commands)
        assert vias == {"prefect"}
        assert canaries.search_files(prefect_server.home) > 1
        assert canaries.found == []
