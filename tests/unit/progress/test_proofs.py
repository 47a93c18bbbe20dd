"""Proofs are read by the threads of several steps while another one gives its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from told_runs import Told, failover_plan, proof

from drtool.model.event import StepEnded, Via
from drtool.model.proof import Proof
from drtool.model.purpose import Outcome
from drtool.progress.state import Folder


class Meanwhile(tuple[Proof, ...]):
    """Proofs in whose reading something else happens once."""

    __slots__ = ()
    happens: list[Callable[[], None]] = []

    def __iter__(self) -> Iterator[Proof]:
        self._happen()
        return super().__iter__()

    def __bool__(self) -> bool:
        self._happen()
        return True

    def _happen(self) -> None:
        while self.happens:
            self.happens.pop()()


@pytest.mark.parametrize("read", [Folder.proofs, Folder.proving])
def test_a_proof_that_arrives_meanwhile_breaks_no_look(read: Callable[[Folder], object]) -> None:
    told, folder = Told(failover_plan()), Folder()
    for name in ("fence", "redirect"):
        done = StepEnded(step=name, outcome=Outcome.SUCCEEDED, via=Via.DIRECT, proofs=(proof(),))
        told.tell(1, done)
    begun, first, second = told.events
    folder.apply(begun)
    body = first.body.model_copy(update={"proofs": Meanwhile((proof(),))})
    folder.apply(first.model_copy(update={"body": body}))
    Meanwhile.happens.append(lambda: folder.apply(second))
    read(folder)
    assert not Meanwhile.happens
    assert folder.proving() == ("fence", "redirect")
