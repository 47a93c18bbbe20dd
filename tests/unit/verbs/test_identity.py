"""What a person typed is left without the secrets of the plan."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_bench import plan_of, step

from drtool.bootstrap import build
from drtool.clock import SystemClock
from drtool.model.event import Request
from drtool.model.inventory import Inventory
from drtool.verbs.identity import masked

INVENTORY = Inventory.model_validate(
    {
        "version": 1,
        "services": {"orders": {"preferred": "east"}},
        "sites": {"east": {"address": "192.0.2.1"}},
        "dns": {"zone": "test", "key": {"secret": "file:tsig"}, "servers": {}},
    }
)


def test_secrets_of_inventory_and_steps_are_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tsig").write_text("canary-file\n")
    (tmp_path / "tsig").chmod(0o600)
    monkeypatch.setenv("CANARY", "canary-env")
    headers = {"X": {"secret": "env:CANARY"}, "Y": {"secret": "command:touch ran"}}
    more = {"Z": {"secret": "env:NOT_THERE"}, "W": {"secret": "no reference"}}
    plan = plan_of(
        step("one", "http.request", headers={**headers, **more}),
        inventory=INVENTORY,
        inventory_source=str(tmp_path / "inventory.yaml"),
    )
    monkeypatch.chdir(tmp_path)
    reason = "canary-file, not canary-env"
    request = Request(run="r1", verb="abort", by="ann", reason=reason, at=SystemClock().wall())
    assert masked(build(), plan, request).reason == "[secret], not [secret]"
    assert not (tmp_path / "ran").exists(), "no command is run to abort"
