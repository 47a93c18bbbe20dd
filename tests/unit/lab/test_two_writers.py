from __future__ import annotations

from drtool.lab.two_writers import two_writers
from drtool.lab.writers import Write


def write(site: str, timeline: int, written: float, took: float = 0.002) -> Write:
    return Write(site, timeline, written, written + took)


def test_nothing_written_is_no_moment() -> None:
    assert two_writers([]) == []


def test_a_switchover_and_the_way_back_are_no_moments() -> None:
    there = [write("east", 1, 0.0), write("east", 1, 1.0), write("west", 2, 1.1)]
    back = [write("west", 2, 5.0), write("east", 3, 5.1), write("east", 3, 9.0)]
    assert two_writers([*there, *back]) == []


def test_an_old_primary_that_goes_on_is_a_moment() -> None:
    writes = [write("east", 1, 0.0), write("west", 2, 1.0), write("east", 1, 1.5)]
    (moment,) = two_writers(writes)
    assert moment.certain
    assert moment.sites == ("east", "west")
    assert (moment.began, moment.ended, moment.writes) == (1.002, 1.502, 1)
    assert round(moment.seconds, 3) == 0.5


def test_the_order_in_which_writes_were_read_does_not_matter() -> None:
    writes = [write("east", 1, 1.5), write("west", 2, 1.0), write("east", 1, 0.0)]
    assert two_writers(writes) == two_writers(reversed(writes))


def test_spans_that_overlap_are_told_as_not_certain() -> None:
    writes = [write("east", 1, 0.9, took=0.3), write("west", 2, 1.0)]
    (moment,) = two_writers(writes)
    assert not moment.certain
    assert moment.writes == 1


def test_a_write_that_hung_and_ran_after_the_promotion_is_certain() -> None:
    # A frozen server that thaws: asked long before, written by its clock after the new primary's.
    writes = [write("west", 2, 1.0), write("east", 1, 8.0, took=0.001)]
    assert [moment.certain for moment in two_writers(writes)] == [True]


def test_two_sites_on_one_timeline_are_a_moment_in_any_case() -> None:
    writes = [write("east", 2, 0.0), write("west", 2, 4.0)]
    (moment,) = two_writers(writes)
    assert moment.certain
    assert moment.began == 4.0


def test_a_second_split_after_the_way_back_is_found_too() -> None:
    writes = [
        write("east", 1, 0.0),
        write("west", 2, 1.0),
        write("east", 3, 5.0),
        write("west", 2, 5.5),
        write("east", 1, 6.0),
    ]
    assert [(moment.sites, moment.writes) for moment in two_writers(writes)] == [
        (("east", "west"), 1),
        (("west", "east"), 1),
    ]
