"""A message is the same at the other end of the pipe, and what is none is refused."""

from __future__ import annotations

import pytest

from drtool.compiler.message import Begin, Claim, Close, Done, Message, Ready, Trouble, Up

from drtool.compiler.message import decode, encode  # isort: skip


@pytest.mark.parametrize(
    "message",
    [
        Begin("orders.failover", "r", "orders-failover", ("a", "b"), {"run": "r", "to": None}),
        Ready("t", "fence", ("1", "2")),
        Done("t", "FAILED", "two\nlines"),
        Close("COMPLETED", "recovered", "# R\u00e9port"),
        Up("f"),
        Claim("t"),
        Trouble("no answer"),
    ],
)
def test_a_message_arrives_as_it_was_sent(message: Message) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line) == message


@pytest.mark.parametrize("line", [b"", b"null", b"{}", b'["Nobody", {}]', b'["Up", {"x": 1}]'])
def test_what_is_no_message_is_said_to_be_none(line: bytes) -> None:
    with pytest.raises(ValueError, match="no message"):
        decode(line)
