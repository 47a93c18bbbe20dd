"""Run the benchmarks: ``python tests/benchmarks/run.py [NAME ...]``; exit code 1 if one missed.

A benchmark is a module of this directory with ``bench() -> list[Row]``; others are run by pytest.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "reference" / "benchmarks.md"
ABOUT = """\
<!-- Written by `make bench`. -->

# Benchmarks

Each figure beside that of a rival which ran in turns with it on the same machine: a plain shell
script over warm SSH, one tuned with signals and short polls, an Ansible playbook, a Chaos Toolkit
experiment, a bare Prefect flow. A bar with x is a multiple of the rival's figure. `make bench`
measures anew and writes this page; `tests/benchmarks` is how.

"""
sys.path.insert(0, str(HERE.parent))

from benchmarks.rows import Row, as_json, as_markdown, table  # noqa: E402 - the path is set first


def main(wanted: list[str]) -> int:
    rows: list[Row] = []
    for path in sorted(HERE.glob("*.py")):
        by_pytest = path.stem.startswith("test_")
        if by_pytest or path == Path(__file__) or "def bench(" not in path.read_text("utf-8"):
            continue
        if wanted and path.stem not in wanted:
            continue
        print(f"{path.stem} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"benchmarks.{path.stem}").bench()
    print(table(rows))
    (HERE.parent.parent / "benchmarks.json").write_text(as_json(rows) + "\n", encoding="utf-8")
    if not wanted:
        machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
        when = f"{datetime.now(UTC):%Y-%m-%d}"
        page = f"{ABOUT}{as_markdown(rows)}\n\nMeasured on {when}: {machine}.\n"
        PAGE.write_text(page, encoding="utf-8")
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
