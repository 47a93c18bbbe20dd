"""What carries a run, and what the person who starts it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from drtool.compiler.choice import EngineMode, choose_engine


def test_direct_is_direct_whatever_is_configured(tmp_path: Path) -> None:
    chosen = choose_engine(EngineMode.DIRECT, tmp_path, {"PREFECT_API_URL": "http://x/api"})
    assert (chosen.kind, chosen.api, chosen.note) == (EngineMode.DIRECT, None, "")


@pytest.mark.parametrize("mode", [EngineMode.AUTO, EngineMode.PREFECT])
def test_without_any_api_it_goes_directly_and_says_what_to_type(
    tmp_path: Path, mode: EngineMode
) -> None:
    chosen = choose_engine(mode, tmp_path, {})
    assert chosen.kind is EngineMode.DIRECT
    assert "drtool server start" in chosen.note


def test_an_api_that_is_no_url_is_named_and_not_used(tmp_path: Path) -> None:
    chosen = choose_engine(EngineMode.AUTO, tmp_path, {"PREFECT_API_URL": "nonsense"})
    assert chosen.kind is EngineMode.DIRECT
    assert chosen.note.startswith("Prefect API nonsense: is no URL")


def test_prefect_when_asked_for_is_tried_even_if_it_does_not_answer(tmp_path: Path) -> None:
    chosen = choose_engine(EngineMode.PREFECT, tmp_path, {"PREFECT_API_URL": "nonsense"})
    assert chosen.kind is EngineMode.PREFECT
    assert "until it answers" in chosen.note
