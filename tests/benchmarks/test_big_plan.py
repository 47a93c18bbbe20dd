"""A plan of 1,000 steps is linted and planned within 1.5 s, the process's start included."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from good_documents import INVENTORY

CHILD = Path(__file__).parent / "plan_child.py"
LIMIT_SECONDS = 1.5
HEAD = """\
version: 1
runbook: big
service: orders
inventory: inventory.yaml
objectives: {rto: 8h, rpo: 10s}
waivers: {failback: "a measurement has no way back"}
procedures:
  failover:
    - {step: first, check: postgresql.data_loss, at: to, max: "{{ objectives.rpo }}"}
    - {step: consent, approval: {of: incident_commander, budget: 1m}}
"""
STEP = (
    "    - {{step: s{0}, check: http.answers, budget: 1s, deadline: 30s, "
    'url: "http://{{{{ to_site.address }}}}:{0}", path: "/{0}", '
    'contains: ["{0} {{{{ steps.first.source }}}}"]}}\n'
)


def test_a_thousand_steps(tmp_path: Path) -> None:
    runbook = tmp_path / "big.yaml"
    runbook.write_text(HEAD + "".join(STEP.format(1000 + number) for number in range(998)))
    (tmp_path / "inventory.yaml").write_text(INVENTORY)
    taken, digests = [], set()
    for _ in range(5):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, str(CHILD), str(runbook)], capture_output=True, text=True, check=True
        )
        taken.append(time.perf_counter() - began)
        steps, digest = done.stdout.split()
        assert steps == "1000"
        digests.add(digest)
    median = statistics.median(taken)
    each = ", ".join(f"{seconds:.2f}" for seconds in taken)
    print(f"1,000 steps, lint and plan: median {median:.2f} s of {each}")
    assert len(digests) == 1
    assert median < LIMIT_SECONDS
