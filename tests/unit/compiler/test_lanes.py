"""Steps are carried side by side, and a step that hangs or breaks holds nobody up."""

from __future__ import annotations

import threading

from drtool.compiler.lanes import Feed, Lanes
from drtool.compiler.message import Close, Ready

END = Close("COMPLETED", "", "")


def fed(*names: str) -> Feed:
    feed = Feed()
    for name in names:
        feed.put(Ready(name, name, ()))
    return feed


def test_steps_that_wait_for_one_another_are_carried_side_by_side() -> None:
    together = threading.Barrier(5)
    feed = fed("a", "b", "c", "d")

    def waiting(ready: Ready) -> None:
        del ready
        together.wait(10)

    ended = threading.Thread(target=lambda: Lanes(feed, waiting).run(1))
    ended.start()
    together.wait(10)
    feed.put(END)
    ended.join(10)
    assert not ended.is_alive()


def test_the_end_comes_after_steps_that_are_under_way() -> None:
    seen: list[str] = []
    feed = fed("a", "b")
    feed.put(END)
    assert Lanes(feed, lambda ready: seen.append(ready.step)).run(5) is END
    assert sorted(seen) == ["a", "b"]


def test_a_step_that_hangs_is_left_after_a_while() -> None:
    forever, feed = threading.Event(), fed("a")

    def waiting(ready: Ready) -> None:
        del ready
        forever.wait(30)

    feed.put(END)
    assert Lanes(feed, waiting).run(0.05) is END
    forever.set()


def test_a_step_that_breaks_takes_no_lane_with_it() -> None:
    seen: list[str] = []

    def carry(ready: Ready) -> None:
        if ready.step == "a":
            raise ValueError
        seen.append(ready.step)

    feed = fed("a", "b", "c")
    feed.put(END)
    Lanes(feed, carry).run(5)
    assert sorted(seen) == ["b", "c"]
