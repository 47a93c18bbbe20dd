"""How a Prefect API is named in the environment, and what is never shown of it."""

from __future__ import annotations

import traceback

import pytest

from drtool.compiler.api import Api
from drtool.errors import Unreachable


def test_the_environment_names_the_api() -> None:
    told = {"PREFECT_API_URL": "http://127.0.0.1:4200/api/", "PREFECT_API_AUTH_STRING": "a:b"}
    assert Api.from_environment(told) == Api("http://127.0.0.1:4200/api", "a:b")


def test_the_line_break_of_a_mounted_secret_is_left_out() -> None:
    told = {"PREFECT_API_URL": "http://x/api", "PREFECT_API_KEY": "canary\n"}
    assert Api.from_environment(told) == Api("http://x/api", key="canary")


@pytest.mark.parametrize("key", ["canary\nX: y", "canary\u20ac"])
def test_a_key_that_no_header_can_bear_is_told_without_it(key: str) -> None:
    with pytest.raises(Unreachable, match="our key holds what no request can bear") as caught:
        Api("http://127.0.0.1:1/api", key=key).get("/health", 0.1)
    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("url", ["", "  "])
def test_an_empty_url_names_none(url: str) -> None:
    assert Api.from_environment({"PREFECT_API_URL": url}) is None


def test_secrets_show_neither_in_the_repr_nor_in_the_url() -> None:
    api = Api("https://drtool:canary@prefect.test/api", "drtool:canary", "canary")
    assert "canary" not in repr(api).replace(api.url, "")
    assert api.shown == "https://prefect.test/api"


@pytest.mark.parametrize("url", ["nonsense", "ftp://x/api", "http://[::1/api", "http://h:port/api"])
def test_what_is_no_url_is_said_to_be_none(url: str) -> None:
    with pytest.raises(Unreachable, match="is no URL"):
        Api(url).get("/health", 0.1)
