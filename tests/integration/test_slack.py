"""Slack's wire against a stand-in that checks what Slack would."""

from __future__ import annotations

import json
import logging
import socket
import sys
from pathlib import Path

import pytest
from slack_standin import CHANNEL, FALLBACK, HOOK, TOKEN, SlackStandIn
from typer.testing import CliRunner

from drtool.action import Hands
from drtool.actions.slack import Post
from drtool.cli.main import app
from drtool.clock import SystemClock
from drtool.connections import slack as wire
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.connections.slack import Identity, Posted, SlackApi, SlackWebhook
from drtool.connections.slack_refusal import Refusal
from drtool.errors import AccessDenied, BadInput, DrtoolError, InDoubt, StepFailed, Unreachable
from drtool.model.inventory import Inventory
from drtool.model.notify import Notify, Slack, Webhook
from drtool.model.secret import SecretRef
from drtool.redact import Redactor
from drtool.testing import fake_facts

TEXT = {"type": "section", "text": {"type": "mrkdwn", "text": "*hello*"}}


@pytest.fixture
def api(slack: SlackStandIn) -> SlackApi:
    return SlackApi(slack.url, TOKEN)


def refused(answer: Posted | Refusal | Identity) -> Refusal:
    assert isinstance(answer, Refusal), answer
    return answer


def posted(answer: Posted | Refusal) -> Posted:
    assert isinstance(answer, Posted), answer
    return answer


def nobody() -> str:
    """A URL at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/api/"


def test_a_thread_whose_first_message_changes(api: SlackApi, slack: SlackStandIn) -> None:
    root = posted(api.post(CHANNEL, "hello", [TEXT]))
    reply = posted(api.post(CHANNEL, "more", thread=root.ts, shown=True))
    posted(api.update(root, "hello again", [TEXT]))
    assert [one.texts for one in slack.thread()] == [["hello", "hello again"], ["more"]]
    assert (slack.thread()[1].ts, slack.thread()[1].shown) == (reply.ts, True)
    assert api.identity() == Identity(workspace="Acme", bot="drtool")


@pytest.mark.parametrize(
    ("error", "says", "lasting"),
    [
        ("not_in_channel", "lets only members post, and the app is none (not_in_channel)", True),
        ("is_archived", "has archived the channel (is_archived)", True),
        ("fatal_error", "answered 200 (fatal_error)", False),
        ("team_added_to_org", "refuses: team_added_to_org", False),
    ],
)
def test_an_error_is_told_in_words_with_its_cure(
    api: SlackApi, slack: SlackStandIn, error: str, says: str, lasting: bool
) -> None:
    slack.errors[CHANNEL] = error
    why = refused(api.post(CHANNEL, "hello"))
    assert (why.sentence, why.lasting) == (says, lasting)
    assert bool(why.hint) is lasting


def test_a_wrong_token_concerns_the_whole_workspace(slack: SlackStandIn) -> None:
    why = refused(SlackApi(slack.url, "xoxb-other").post(CHANNEL, "hello"))
    assert (why.code, why.lasting, why.whole) == ("invalid_auth", True, True)
    assert "xoxb-, from its page OAuth & Permissions" in why.hint
    unknown = refused(SlackApi(slack.url, TOKEN).post("C0NOWHERE", "hello"))
    assert (unknown.code, unknown.lasting, unknown.whole) == ("channel_not_found", True, False)


def test_a_short_wait_is_waited_and_a_long_one_is_told(api: SlackApi, slack: SlackStandIn) -> None:
    slack.limit(1, retry_after=0)
    posted(api.post(CHANNEL, "hello"))
    slack.limit(1, retry_after=42)
    why = refused(api.post(CHANNEL, "hello"))
    assert (why.code, why.retry_after, why.lasting) == ("ratelimited", 42, False)
    assert not why.in_doubt
    slack.limit(1, retry_after=42)
    assert refused(SlackWebhook(slack.webhook).post("hello")).retry_after == 42


@pytest.mark.parametrize(
    ("answer", "code", "doubt"),
    [
        ((500, "sorry"), "http_500", True),
        ((503, '{"ok": false, "error": "fatal_error"}'), "fatal_error", True),
        ((200, "<html>log in to the airport</html>"), "no_slack", False),
        ((407, "who are you?"), "no_slack", False),
        ((200, "{"), "unreadable", True),
    ],
)
def test_what_is_no_answer_of_slack_s(
    api: SlackApi, slack: SlackStandIn, answer: tuple[int, str], code: str, doubt: bool
) -> None:
    status, body = answer
    slack.answer_with(status, body)
    why = refused(api.post(CHANNEL, "hello"))
    assert (why.code, why.in_doubt, why.lasting) == (code, doubt, False)
    assert body not in why.sentence


def test_nobody_there_is_certain_and_nobody_answering_is_not(
    api: SlackApi, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = refused(SlackApi(nobody(), TOKEN).post(CHANNEL, "hello"))
    assert (gone.code, gone.in_doubt) == ("unreachable", False)
    assert gone.sentence == "cannot be reached: Connection refused"
    monkeypatch.setattr(wire, "SILENT_SECONDS", 0.2)
    slack.hang()
    late = refused(SlackApi(slack.url, TOKEN).post(CHANNEL, "hello"))
    assert (late.code, late.in_doubt) == ("timeout", True)
    monkeypatch.setattr(wire, "MOST_SECONDS", 0.1)
    assert refused(api.post(CHANNEL, "hello")).code == "timeout"


def test_a_webhook_takes_messages(slack: SlackStandIn) -> None:
    hook = SlackWebhook(slack.webhook)
    posted(hook.post("hello", [TEXT]))
    assert [one.text for one in slack.hooked] == ["hello"]
    gone = refused(SlackWebhook(slack.webhook.replace(HOOK, "/services/other")).post("hello"))
    assert (gone.code, gone.lasting) == ("no_service", True)
    slack.errors["hook"] = "action_prohibited"
    assert "administrators" in refused(hook.post("hello")).hint


def test_a_message_that_slack_would_refuse_is_refused_here(
    api: SlackApi, slack: SlackStandIn
) -> None:
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    for blocks in ([long], [TEXT] * 51, [{"type": "carousel"}], [{"type": "section"}]):
        assert refused(api.post(CHANNEL, "hello", blocks)).code == "invalid_blocks"
    assert refused(api.post(CHANNEL, "")).code == "no_text"
    assert refused(api.post(CHANNEL, "hello", thread="soon")).code == "invalid_thread_ts"
    assert refused(api.post(CHANNEL, "hello", thread="1.000000")).code == "invalid_thread_ts"
    here = posted(api.post(CHANNEL, "hello"))
    assert refused(api.post(FALLBACK, "hello", thread=here.ts)).code == "thread_not_found"
    assert refused(api.update(here, "x" * 4001)).code == "msg_too_long"
    assert refused(api.update(Posted(channel=CHANNEL, ts="1"), "x")).code == "message_not_found"


def inventory(slack: SlackStandIn, **more: object) -> Inventory:
    said = {"channel": CHANNEL, "token": {"secret": "env:SLACK_TOKEN"}, "url": slack.url, **more}
    return Inventory.model_validate(
        {
            "version": 1,
            "services": {"orders": {"preferred": "east"}},
            "sites": {"east": {"address": "127.0.1.1"}},
            "notify": {"slack": said, "webhook": {"url": {"secret": "env:SLACK_WEBHOOK"}}},
        }
    )


def hands(known: Inventory) -> Hands:
    connections = Connections(Context(known, Secrets(Redactor()), SystemClock()))
    return Hands(connections, fake_facts(known))


def test_a_notice_of_a_runbook_stands_in_the_channel(slack: SlackStandIn) -> None:
    Post(text="east < west & <!channel>").send(hands(inventory(slack)))
    Post(text="elsewhere", channel=FALLBACK).send(hands(inventory(slack)))
    here, there = slack.messages
    assert here.text.splitlines() == [
        "east &lt; west &amp; &lt;!channel&gt;",
        "_orders, failover, run 20300101-120000-test_",
    ]
    assert (here.channel, there.channel) == (CHANNEL, FALLBACK)


@pytest.mark.parametrize(
    ("error", "kind"),
    [("not_in_channel", StepFailed), ("fatal_error", InDoubt), ("token_revoked", AccessDenied)],
)
def test_a_notice_that_is_refused_says_why(
    slack: SlackStandIn, error: str, kind: type[DrtoolError]
) -> None:
    slack.errors[CHANNEL] = error
    with pytest.raises(kind, match=f"Slack channel {CHANNEL}: .*{error}"):
        Post(text="hello").send(hands(inventory(slack)))


def test_a_notice_without_slack_says_what_to_write(slack: SlackStandIn) -> None:
    bare = inventory(slack).model_copy(update={"notify": None})
    with pytest.raises(BadInput, match="does not say how to reach it") as found:
        Post(text="hello").send(hands(bare))
    assert "notify: {slack:" in found.value.hint
    with pytest.raises(Unreachable):
        Post(text="hello").send(hands(inventory(slack, url=nobody())))


def written(directory: Path, slack: SlackStandIn, **more: object) -> str:
    path = directory / "inventory.yaml"
    path.write_text(inventory(slack, **more).model_dump_json(exclude_defaults=True))
    return str(path)


def test_the_trial_sends_a_message_through_every_way(tmp_path: Path, slack: SlackStandIn) -> None:
    said = CliRunner().invoke(
        app, ["notify", "test", written(tmp_path, slack, fallback_channel=FALLBACK)]
    )
    assert said.exit_code == 0, said.output
    assert said.output.splitlines() == [
        f"Slack channel {CHANNEL}: arrived in the workspace Acme, as drtool",
        f"Slack channel {FALLBACK}: arrived in the workspace Acme, as drtool",
        "the webhook: arrived",
    ]
    assert [len(one.texts) for one in slack.messages] == [2, 2]
    assert len(slack.hooked) == 1


def test_the_trial_says_for_each_way_what_stands_against_it(
    tmp_path: Path, slack: SlackStandIn
) -> None:
    slack.errors |= {CHANNEL: "not_in_channel", "update": "edit_window_closed"}
    path = written(tmp_path, slack, fallback_channel=FALLBACK)
    said = CliRunner().invoke(app, ["notify", "test", path, "--json"])
    ways = json.loads(said.output)["ways"]
    assert said.exit_code == 1
    assert [way["arrived"] for way in ways] == [False, True, True]
    assert ways[0]["text"].startswith("did not arrive: lets only members post")
    assert ways[0]["hint"] == "type in the channel: /invite @ and the app's name"
    assert "cannot be kept up to date" in ways[1]["text"]


def test_the_trial_of_a_wrong_token_names_the_cure(
    tmp_path: Path, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-canary-other")
    monkeypatch.delenv("SLACK_WEBHOOK")
    said = CliRunner().invoke(app, ["notify", "test", written(tmp_path, slack)])
    assert said.exit_code == 1
    assert "does not accept the token (invalid_auth)" in said.output
    assert "hint: copy the app's bot token" in said.output
    assert "secret env:SLACK_WEBHOOK: the variable is not set" in said.output
    assert "canary" not in said.output


def test_an_inventory_that_tells_nobody_is_told_so(tmp_path: Path, slack: SlackStandIn) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text(inventory(slack).model_dump_json(exclude_defaults=True, exclude={"notify"}))
    said = CliRunner().invoke(app, ["notify", "test", str(path)])
    assert isinstance(said.exception, BadInput)
    assert "does not say whom to tell" in str(said.exception)


def test_a_webhook_s_url_is_checked_when_it_is_known(
    slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = Webhook(url=SecretRef(secret="env:SLACK_WEBHOOK"))
    monkeypatch.setenv("SLACK_WEBHOOK", "http://hooks.example/services/canary")
    with pytest.raises(BadInput, match="is no https URL") as found:
        SlackWebhook.of(hook, Secrets(Redactor()))
    assert "canary" not in found.value.text()


def test_nothing_secret_is_logged_raised_or_said(
    slack: SlackStandIn, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The library writes URLs and headers when it may log; ours may not."""
    caplog.set_level(logging.DEBUG)
    redactor = Redactor()
    notify = Notify(
        slack=Slack(channel=CHANNEL, token=SecretRef(secret="env:SLACK_TOKEN"), url=slack.url),
        webhook=Webhook(url=SecretRef(secret="env:SLACK_WEBHOOK")),
    )
    assert notify.slack is not None
    assert notify.webhook is not None
    api = SlackApi.of(notify.slack, Secrets(redactor))
    hook = SlackWebhook.of(notify.webhook, Secrets(redactor))
    said = [str(api.post(CHANNEL, "hello")), str(hook.post("hello"))]
    slack.answer_with(500, "sorry")
    said += [str(api.post(CHANNEL, "hello")), str(hook.post("hello"))]
    said += [repr(api), repr(hook)]
    said += [caplog.text, *capfd.readouterr()]
    assert "canary" not in "".join(said)
    assert redactor.clean(f"{TOKEN} {slack.webhook} {HOOK}") == "[secret] [secret] /[secret]"


def test_without_its_library_a_way_says_what_to_install(
    api: SlackApi, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "slack_sdk", None)
    for answer in (api.post(CHANNEL, "hello"), SlackWebhook(slack.webhook).post("hello")):
        why = refused(answer)
        assert (why.lasting, why.hint) == (True, "pip install 'drtool[slack]'")
