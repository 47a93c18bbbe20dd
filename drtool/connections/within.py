"""Calls that may hang for longer than any time limit of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """What the call gives or raises; TimeoutError, and the call left behind, when it takes longer.

    A peer that sends one byte now and then never meets a time limit of the socket.
    """
    given: list[T] = []
    raised: list[BaseException] = []

    def make() -> None:
        try:
            given.append(call())
        except BaseException as error:  # noqa: BLE001 - raised below, in the caller's thread
            raised.append(error)

    thread = threading.Thread(target=make, name="within", daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not given:
        raise TimeoutError
    return given[0]
