from __future__ import annotations

from pathlib import Path

import pytest

from drtool.errors import BadInput
from drtool.lab.layout import Layout


def test_where_there_is_no_lab_one_is_told_to_bring_it_up(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as told:
        Layout(tmp_path).identity()
    assert told.value.hint == "drtool lab up"


@pytest.mark.parametrize("text", ['{"ports": {}, "mark": "ab12"}', "{}", "half a f"])
def test_another_releases_lab_is_to_be_taken_down(tmp_path: Path, text: str) -> None:
    (tmp_path / "lab.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match="another release") as told:
        Layout(tmp_path).identity()
    assert told.value.hint == "drtool lab down"
