"""A small Slack on loopback: it checks what Slack would, and can be down, slow or in a bad mood."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

TOKEN = "xoxb-canary-4f1d9b3e77"
CHANNEL, FALLBACK = "C0INCIDENT", "C0STANDBY"
HOOK = "/services/T000/B000/canary-8c2e5a01"
PATIENCE_SECONDS = 30.0
Said = dict[str, Any]
_ARGUMENTS = {
    *("channel", "text", "blocks", "ts", "thread_ts", "reply_broadcast"),
    *("unfurl_links", "unfurl_media"),
}
_TS = re.compile(r"\d{10}\.\d{6}")
_ALLOWED = re.compile(r"<(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+)>")


@dataclass
class Message:
    """One message as a channel shows it; ``texts`` are all that it ever said, newest last."""

    channel: str
    ts: str
    thread: str = ""
    shown: bool = False
    texts: list[str] = field(default_factory=list)
    blocks: list[Said] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.texts[-1]

    @property
    def all_text(self) -> str:
        return "\n".join([self.text, *texts_of(self.blocks)])


def texts_of(value: object, *, plain: bool = True) -> Iterator[str]:
    """Every text within blocks; without ``plain`` only those in which Slack looks for commands."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key != "text" or not isinstance(part, str):
                yield from texts_of(part, plain=plain)
            elif plain or value.get("type") != "plain_text":
                yield part
    elif isinstance(value, list):
        for part in value:
            yield from texts_of(part, plain=plain)


class Refused(Exception):
    """An error as Slack names it."""


class SlackStandIn:
    """A workspace with two channels and a webhook.

    ``moods`` are asked before each request: one may wait, or give a status, headers and a body
    in place of the answer. ``faults`` are what Slack would take and what is wrong all the same.
    """

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.token, self._address = TOKEN, address
        self.errors: dict[str, str] = {}
        self.messages: list[Message] = []
        self.hooked: list[Message] = []
        self.faults: list[str] = []
        self.asked: list[str] = []
        self.held = 0
        self._moods: list[Callable[[str], tuple[int, dict[str, str], str] | None]] = []
        self._lock, self._released = threading.Lock(), threading.Event()
        standin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                status, headers, answer = standin.answer(self.path, dict(self.headers), body)
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(answer.encode())))
                    self.send_header("Connection", "close")
                    self.end_headers()
                    self.wfile.write(answer.encode())
                except OSError:
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://{self._address}:{self._server.server_port}/api/"

    @property
    def webhook(self) -> str:
        return f"http://{self._address}:{self._server.server_port}{HOOK}"

    def close(self) -> None:
        """Answer nobody any more."""
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def hang(self) -> None:
        """Take every request and answer none for half a minute, or until ``release``."""

        def hold(path: str) -> None:
            with self._lock:
                self.held += 1
            self._released.wait(PATIENCE_SECONDS)
            with self._lock:
                self.held -= 1

        self._moods.append(hold)

    def release(self) -> None:
        """Answer what was held, and be well again."""
        self._moods.clear()
        self._released.set()

    def limit(self, times: int, retry_after: float = 1) -> None:
        """Refuse so many requests because there were too many."""
        left = [times]

        def refuse(path: str) -> tuple[int, dict[str, str], str] | None:
            if not left[0]:
                return None
            left[0] -= 1
            said = '{"ok": false, "error": "ratelimited"}'
            return 429, {"Retry-After": f"{retry_after:g}"}, said

        self._moods.append(refuse)

    def answer_with(self, status: int, body: str) -> None:
        """Give everybody this answer."""
        self._moods.append(lambda path: (status, {"Content-Type": "text/html"}, body))

    def thread(self, channel: str = CHANNEL) -> list[Message]:
        """The first thread of a channel: its first message, then the replies."""
        there = [one for one in self.messages if one.channel == channel]
        roots = [one for one in there if not one.thread]
        return [one for one in there if roots and roots[0].ts in {one.ts, one.thread}]

    def answer(
        self, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], str]:
        """What Slack would answer."""
        with self._lock:
            self.asked.append(path.rpartition("/")[2])
        for mood in tuple(self._moods):
            found = mood(path)
            if found is not None:
                return found
        as_json = {"Content-Type": "application/json; charset=utf-8"}
        try:
            with self._lock:
                if not path.startswith("/api/"):
                    return self._hook(path, body)
                told = self._call(path.removeprefix("/api/"), headers, body)
        except Refused as error:
            return 200, as_json, json.dumps({"ok": False, "error": str(error)})
        return 200, as_json, json.dumps({"ok": True, **told})

    def _call(self, method: str, headers: dict[str, str], body: bytes) -> Said:
        bearer = headers.get("Authorization", "")
        if not bearer:
            raise Refused("not_authed")
        if bearer != f"Bearer {self.token}":
            raise Refused("invalid_auth")
        if method == "auth.test":
            return {"team": "Acme", "user": "drtool", "team_id": "T000", "bot_id": "B000"}
        said = self._read(body)
        channel = said.get("channel")
        if channel not in {CHANNEL, FALLBACK}:
            raise Refused("channel_not_found")
        if channel in self.errors:
            raise Refused(self.errors[channel])
        if method == "chat.postMessage":
            return self._post(channel, said)
        if method == "chat.update":
            return self._update(channel, said)
        raise Refused("unknown_method")

    def _post(self, channel: str, said: Said) -> Said:
        self._check(said, 40_000)
        thread = said.get("thread_ts", "")
        if thread:
            self._check_thread(channel, thread)
        elif said.get("reply_broadcast"):
            self.faults.append("reply_broadcast without thread_ts")
        ts = f"{int(time.time())}.{len(self.messages) + 1:06d}"
        shown = bool(said.get("reply_broadcast"))
        message = Message(channel, ts, thread, shown, [said["text"]], said.get("blocks", []))
        self.messages.append(message)
        return {"channel": channel, "ts": ts, "message": {"text": said["text"]}}

    def _check_thread(self, channel: str, thread: object) -> None:
        if not isinstance(thread, str) or not _TS.fullmatch(thread):
            raise Refused("invalid_thread_ts")
        found = [one for one in self.messages if (one.channel, one.ts) == (channel, thread)]
        if not found:
            raise Refused("thread_not_found")
        if found[0].thread:
            self.faults.append("thread_ts is a reply's")

    def _update(self, channel: str, said: Said) -> Said:
        self._check(said, 4_000)
        for message in self.messages:
            if (message.channel, message.ts) == (channel, said.get("ts")):
                if "update" in self.errors:
                    raise Refused(self.errors["update"])
                message.texts.append(said["text"])
                message.blocks = said.get("blocks", message.blocks)
                return {"channel": channel, "ts": message.ts, "text": said["text"]}
        raise Refused("message_not_found")

    def _hook(self, path: str, body: bytes) -> tuple[int, dict[str, str], str]:
        if path != HOOK:
            return 404, {}, "no_service"
        if "hook" in self.errors:
            return 403, {}, self.errors["hook"]
        try:
            said = self._read(body)
            self._check(said, 40_000)
        except Refused as error:
            return 400, {}, str(error)
        self.hooked.append(Message("", "", texts=[said["text"]], blocks=said.get("blocks", [])))
        return 200, {"Content-Type": "text/html"}, "ok"

    def _read(self, body: bytes) -> Said:
        try:
            said = json.loads(body)
        except ValueError:
            raise Refused("invalid_payload") from None
        if not isinstance(said, dict):
            raise Refused("invalid_payload")
        return said

    def _check(self, said: Said, longest: int) -> None:
        self.faults += [f"no such argument: {name}" for name in said if name not in _ARGUMENTS]
        text, blocks = said.get("text"), said.get("blocks", [])
        if not text:
            # Slack takes blocks alone; a bell then says nothing
            raise Refused("no_text")
        if not isinstance(text, str) or not isinstance(blocks, list):
            raise Refused("invalid_arguments")
        if len(text) > longest:
            raise Refused("msg_too_long")
        reason = self.errors.get("blocks") if blocks else None
        if reason:
            raise Refused(reason)
        if len(blocks) > 50 or not all(map(_is_block, blocks)):
            raise Refused("invalid_blocks")
        if sum(map(len, texts_of(blocks))) > 13_000:
            raise Refused("msg_blocks_too_long")
        for one in (text, *texts_of(blocks, plain=False)):
            if "<" in _ALLOWED.sub("", one):
                self.faults.append(f"not escaped: {one}")


def _is_block(block: Said) -> bool:
    """Whether a block has the fields that its kind needs and no others, within the limits."""
    kind, rest = block.get("type"), {key: part for key, part in block.items() if key != "type"}
    match kind:
        case "header":
            return set(rest) == {"text"} and _is_text(rest["text"], 150, "plain_text")
        case "section" if "fields" in rest:
            fields = rest["fields"]
            return (
                set(rest) == {"fields"}
                and 1 <= len(fields) <= 10
                and all(_is_text(one, 2_000, "mrkdwn") for one in fields)
            )
        case "section":
            return set(rest) == {"text"} and _is_text(rest["text"], 3_000, "mrkdwn")
        case "context":
            parts = rest.get("elements", [])
            return (
                set(rest) == {"elements"}
                and 1 <= len(parts) <= 10
                and all(_is_text(one, 3_000, "mrkdwn") for one in parts)
            )
        case _:
            return False


def _is_text(value: object, longest: int, kind: str) -> bool:
    if not isinstance(value, dict) or value.get("type") != kind:
        return False
    allowed = {"type", "text", "emoji" if kind == "plain_text" else "verbatim"}
    text = value.get("text")
    return set(value) <= allowed and isinstance(text, str) and 1 <= len(text) <= longest


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackStandIn]:
    """A Slack, and the secrets that reach it; every message was as it should be at the end."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    standin = SlackStandIn()
    monkeypatch.setenv("SLACK_TOKEN", TOKEN)
    monkeypatch.setenv("SLACK_WEBHOOK", standin.webhook)
    yield standin
    standin.close()
    assert not standin.faults, standin.faults
