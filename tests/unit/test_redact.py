from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from drtool.redact import MASK, Redactor

SECRET = "canary +/=ü\"'\\4711"


@pytest.fixture
def redactor() -> Redactor:
    made = Redactor()
    made.learn(SECRET)
    return made


def test_a_secret_is_masked_wherever_it_stands(redactor: Redactor) -> None:
    assert redactor.clean(f"password={SECRET}, twice {SECRET}") == f"password={MASK}, twice {MASK}"
    assert redactor.clean("nothing to hide") == "nothing to hide"


@pytest.mark.parametrize(
    "text",
    [
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        repr(SECRET)[1:-1],
        repr({"password": SECRET}),
        repr(SECRET.encode()),
        json.dumps({"password": SECRET}),
    ],
)
def test_other_shapes_of_a_secret_are_masked(redactor: Redactor, text: str) -> None:
    said = redactor.clean(f"{text} and more")
    assert MASK in said
    assert "4711" not in said


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:", "x" * 10])
@pytest.mark.parametrize("after", ["", "z", "zz", "zzz"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_masked_whatever_stands_around_the_secret(
    redactor: Redactor, before: str, after: str, encode: object
) -> None:
    assert callable(encode)
    text = encode(f"{before}{SECRET}{after}".encode()).decode()
    said = redactor.clean(f"Authorization: Basic {text}")
    assert MASK in said
    assert len(said) < len("Authorization: Basic ") + len(MASK) + 20 + 4 * len(before)


def test_the_lines_of_a_key_are_masked_one_by_one() -> None:
    redactor = Redactor()
    redactor.learn("-----BEGIN KEY-----\nabcdefghijklmnopqrstuvwxyz\nshort\n-----END KEY-----\n")
    assert redactor.clean("at abcdefghijklmnopqrstuvwxyz") == f"at {MASK}"
    assert redactor.clean("short words stay") == "short words stay"


def test_what_is_too_short_to_tell_apart_is_left() -> None:
    redactor = Redactor()
    for value in ("abc", "", "  a "):
        redactor.learn(value)
    assert redactor.clean("abc 616263 YWJj   a") == "abc 616263 YWJj   a"


def test_a_process_is_not_told_what_is_secret(redactor: Redactor) -> None:
    told = redactor.without_secrets(
        {"HOME": "/root", "PGPASSWORD": SECRET, "URL": f"http://u:{quote(SECRET)}@h/"}
    )
    assert told == {"HOME": "/root"}
