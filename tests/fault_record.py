"""What each fault test says: that its injection was seen to take effect, and what came of it.

``--faults all`` (or ``--faults "F26-F29 L03"``) runs what the catalogue names, prints a table and
writes the results; `make faults` does so.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from fault_catalogue import FAULTS, chosen, ids_of
from fault_table import Row, Table, outcome_of
from measured import keep

_OPTION, _FILE = "--faults", "--faults-file"
_SAID = ("seen", "got")


class Fault:
    """What a test says of its own fault."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    def injected(self, seen: str) -> None:
        """The injection took effect, as these words say: ``postmaster 4711 is gone``."""
        assert seen.strip(), "say what was seen"
        self._properties.append(("seen", seen))

    def got(self, what: str) -> None:
        """What drtool made of it: ``refused: would lose 12 s``."""
        self._properties.append(("got", what.strip()))

    @staticmethod
    def cannot_inject(reason: str) -> None:
        """Leave the test: this machine has no means for the injection."""
        pytest.skip(reason)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption(_OPTION, metavar="IDS", help="judge these faults: all, lies, F26-F29, L03")
    group.addoption(_FILE, default=".faults.json", help="where the results are written")


def pytest_configure(config: pytest.Config) -> None:
    words = config.getoption(_OPTION)
    if words is None:
        return
    try:
        wanted = chosen(str(words))
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    # with several processes the first one collects what the others report
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Judge(wanted, Path(str(config.getoption(_FILE)))))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what bears none of the ids asked for; with all of them, nothing."""
    words = config.getoption(_OPTION)
    if words is None or "all" in str(words).lower():
        return
    wanted = set(chosen(str(words)))
    kept = [item for item in items if wanted & set(_ids(item))]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.fixture
def fault(request: pytest.FixtureRequest) -> Fault:
    """Where a test of a fault says what it saw."""
    return Fault(request.node.user_properties)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A test of a fault that never saw its injection has shown nothing."""
    result = yield
    said = {name for name, _ in pyfuncitem.user_properties}
    if _ids(pyfuncitem) and "seen" not in said:
        pytest.fail("fault.injected() was not called: was the injection seen?", pytrace=False)
    return result


def _ids(item: pytest.Item) -> tuple[str, ...]:
    return ids_of(item.name.partition("[")[0])


class Judge:
    """Gathers the reports of a session and judges them at its end."""

    def __init__(self, wanted: tuple[str, ...], file: Path) -> None:
        self._wanted, self._file = wanted, file
        self._reports: dict[str, list[pytest.TestReport]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if ids_of(report.nodeid.partition("[")[0]):
            self._reports.setdefault(report.nodeid, []).append(report)

    def table(self) -> Table:
        rows = [row for reports in self._reports.values() for row in _rows(reports)]
        return Table(self._wanted, tuple(row for row in rows if row.id in self._wanted))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        table = self.table()
        self._file.write_text(json.dumps(table.plain(), indent=1) + "\n", encoding="utf-8")
        if table.reasons_to_fail() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if set(self._wanted) == set(FAULTS):
            results = {one: table.result(one).value for one in self._wanted}
            keep("faults", results=results, tests=len(self._reports))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("faults and lies")
        for line in self.table().lines():
            terminalreporter.write_line(line)


def _rows(reports: list[pytest.TestReport]) -> Iterator[Row]:
    last = reports[-1]
    said = {
        name: "; ".join(str(value) for key, value in last.user_properties if key == name)
        for name in _SAID
    }
    trouble = next((one for one in reports if one.outcome != "passed"), None)
    why = "" if trouble is None else _reason(trouble)
    for one in ids_of(last.nodeid.partition("[")[0]):
        yield Row(
            id=one,
            test=last.nodeid,
            seen=said["seen"],
            got=said["got"] or why,
            seconds=round(sum(report.duration for report in reports), 2),
            outcome=outcome_of({report.outcome for report in reports}),
            reason=why,
        )


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):  # a skip: file, line, reason
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return report.longreprtext.strip().rpartition("\n")[2]
