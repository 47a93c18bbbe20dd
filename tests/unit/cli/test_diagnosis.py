from __future__ import annotations

import io

import pytest
from rich.console import Console

from drtool.cli import diagnosis
from drtool.model.purpose import Procedure
from drtool.runbook.limits import TimeLimits
from drtool.units import Duration
from drtool.verbs.doctor.finding import Area, Diagnosis, Finding

LONG = (
    "bring it up; if site east is lost: drtool failover runbooks/hot-standby/orders.yaml"
    " --from east"
)
SILENT = Area.HOSTS.problem(
    "host east_db", "does not answer at 192.0.2.1: SSH on port 22, DNS", LONG
)
LIMITS = TimeLimits(
    procedure=Procedure.FAILOVER,
    objective="RTO",
    allowed=Duration(300),
    budgets=Duration(105),
    people=Duration(60),
    worst=Duration(1150),
)


def shown(monkeypatch: pytest.MonkeyPatch, *findings: Finding, terminal: bool) -> str:
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=terminal, width=80, color_system=None, highlight=False
    )
    monkeypatch.setattr(diagnosis, "console", lambda **_: console)
    limits = (LIMITS,) if any(one.area is Area.LIMITS for one in findings) else ()
    diagnosis.show_diagnosis(Diagnosis(findings=findings, limits=limits, seconds=0.4))
    return out.getvalue()


def fit(area: Area, subject: str = "x") -> Finding:
    return area.well(subject, "fits")


def test_the_eye_ends_at_the_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    warned = Area.PREFECT.warning("Prefect API", "none", "drtool server start")
    text = shown(
        monkeypatch, SILENT, warned, fit(Area.HOSTS, "west_db"), fit(Area.DNS), terminal=False
    )
    assert text.splitlines() == [
        "DNS",
        "  ✔ x: fits",
        "",
        "Prefect",
        "  ! Prefect API: none",
        "      drtool server start",
        "",
        "Hosts",
        "  ✔ west_db: fits",
        "  ✘ host east_db: does not answer at 192.0.2.1: SSH on port 22, DNS",
        f"      {LONG}",
        "",
        "✘ 1 problem, 1 warning, 2 well   looked for 0.4 s",
    ]


def test_at_a_narrow_terminal_lines_hang_and_cures_stay_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    far = Area.HOSTS.problem("host east_db", "does not answer at " + "192.0.2.1 " * 12, LONG, "it")
    lines = shown(monkeypatch, far, terminal=True).splitlines()
    assert all(len(line) <= 80 for line in lines if LONG not in line)
    hanging = [line for line in lines if line.startswith("    ") and LONG not in line]
    assert hanging
    assert f"      {LONG}" in lines


def test_time_limits_are_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, fit(Area.LIMITS, "failover"), terminal=True)
    rows = [line.split() for line in text.splitlines()]
    assert ["failover", "1m45s", "RTO", "5m", "1m", "19m10s"] in rows
    assert max(len(line) for line in text.splitlines()) <= 80


def test_what_is_expected_stands_beside_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Area.DNS.warning("orders.test", "its TTL is 1h", "lower it", "at most 5s")
    text = shown(monkeypatch, told, terminal=False)
    assert "! orders.test: its TTL is 1h; expected at most 5s" in text
    assert text.endswith("! 1 warning, 0 well   looked for 0.4 s\n")
