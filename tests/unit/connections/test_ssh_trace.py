"""L19: only what this very run, step and attempt left is believed."""

from __future__ import annotations

from drtool.connections.ssh_trace import Trace

TRACE = Trace("/var/tmp/drtool", "20261123-051401-7f3a", "prepare")


def test_its_own_files_are_believed() -> None:
    assert TRACE.directory == "/var/tmp/drtool/20261123-051401-7f3a.prepare"
    names = ("start.1", "exit.1", "start.2", "exit.2.new", "out.2")
    assert TRACE.attempts(names, "start") == [2, 1]
    assert TRACE.attempts(names, "exit") == [1]
    assert TRACE.exit_of(1, "20261123-051401-7f3a/prepare 1 0 12\n") == 0
    started = "20261123-051401-7f3a/prepare 2 4711\n"
    assert TRACE.processes_of(2, started) == [4711]
    assert TRACE.processes_of(2, f"{started}4712\n") == [4711, 4712]


def test_those_of_others_are_not() -> None:
    for text in (
        None,
        "",
        "20261122-000000-0000/prepare 1 0 12\n",
        "20261123-051401-7f3a/another 1 0 12\n",
        "20261123-051401-7f3a/prepare 11 0 12\n",
        "20261123-051401-7f3a/prepare 1 garbled\n",
        "20261123-051401-7f3a/prepare 1\n",
    ):
        assert TRACE.exit_of(1, text) is None, text
    assert TRACE.processes_of(1, "20261122-000000-0000/prepare 1 4711\n") == []
