"""Run the benchmarks: ``python tests/benchmarks/run.py [NAME ...]``; exit code 1 if one missed.

A benchmark is a module of this directory with ``bench() -> list[Row]``; others are run by pytest.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.rows import Row, as_json, table  # noqa: E402 - the path is set first


def main(wanted: list[str]) -> int:
    rows: list[Row] = []
    for path in sorted(HERE.glob("*.py")):
        if "def bench(" not in path.read_text(encoding="utf-8") or path == Path(__file__):
            continue
        if wanted and path.stem not in wanted:
            continue
        print(f"{path.stem} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"benchmarks.{path.stem}").bench()
    print(table(rows))
    (HERE.parent.parent / "benchmarks.json").write_text(as_json(rows) + "\n", encoding="utf-8")
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
