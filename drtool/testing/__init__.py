"""Public fakes, a clock that can be moved, and the contract test that every action passes."""

from drtool.testing.contract import check_action
from drtool.testing.fakes import (
    FakeAction,
    FakeAnswers,
    FakeCheck,
    FakeCommand,
    FakeFence,
    FakeLoss,
    FakeNotice,
    FakePrepare,
    FakePromote,
    FakeRedirect,
    FakeReprotect,
    FakeRun,
    FakeSeen,
    FakeSystemAction,
    fake_catalog,
    fake_facts,
)
from drtool.testing.world import START, FakeConnections, MovableClock

__all__ = [
    "START",
    "FakeAction",
    "FakeAnswers",
    "FakeCheck",
    "FakeCommand",
    "FakeConnections",
    "FakeFence",
    "FakeLoss",
    "FakeNotice",
    "FakePrepare",
    "FakePromote",
    "FakeRedirect",
    "FakeReprotect",
    "FakeRun",
    "FakeSeen",
    "FakeSystemAction",
    "MovableClock",
    "check_action",
    "fake_catalog",
    "fake_facts",
]
