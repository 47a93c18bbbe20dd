"""A customer: places orders through the service's DNS name all the time, and writes it all down.

``python -m drtool.lab.customers --endpoint NAME --dns ADDRESSES --port N --log FILE`` resolves
the name through the zone's two servers itself, keeps an answer no longer than its TTL, opens a
new connection for each order and appends one line of JSON for each: what came of it, when it
was asked and when it was answered. An order counts as acknowledged only on 201 with
``committed``; what failed is never repeated under the same id.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from drtool.errors import Unreachable
from drtool.lab.endpoint import Endpoint, parse_addresses

PACE_SECONDS = 0.02
ANSWER_SECONDS = 1.5
_CREATED = 201
_LONGEST_REASON = 120


@dataclass(frozen=True)
class Order:
    """One order and what came of it; times are seconds since the epoch."""

    id: str
    acknowledged: bool
    asked: float
    answered: float
    monotonic: float
    site: str = ""
    reason: str = ""


class Customer:
    """Places one order after the other."""

    def __init__(self, endpoint: Endpoint, port: int) -> None:
        self._endpoint, self._port = endpoint, port

    def order(self) -> Order:
        """Place one order."""
        identity, asked = str(uuid4()), time.time()
        site, reason = "", ""
        try:
            status, said = self._post({"id": identity, "item": "tea"})
            site = str(said.get("site", ""))
            if status != _CREATED or said.get("committed") is not True:
                reason = f"{status}: {said.get('reason', 'not acknowledged')}"
        except (OSError, http.client.HTTPException, ValueError, Unreachable) as error:
            reason = str(error) or type(error).__name__
            self._endpoint.forget()
        return Order(
            id=identity,
            acknowledged=not reason,
            asked=asked,
            answered=time.time(),
            monotonic=time.monotonic(),
            site=site,
            reason=reason[:_LONGEST_REASON],
        )

    def _post(self, order: dict[str, str]) -> tuple[int, dict[str, object]]:
        connection = http.client.HTTPConnection(
            self._endpoint.address(), self._port, timeout=ANSWER_SECONDS
        )
        try:
            connection.request("POST", "/orders", json.dumps(order))
            answer = connection.getresponse()
            said = json.loads(answer.read())
            return answer.status, said if isinstance(said, dict) else {}
        finally:
            connection.close()


def read_orders(log: Path) -> list[Order]:
    """The orders written down so far; a line that is being written is left for later."""
    if not log.exists():
        return []
    lines = log.read_text(encoding="utf-8").split("\n")[:-1]
    return [Order(**json.loads(line)) for line in lines]


def main(arguments: list[str] | None = None) -> int:
    """Place orders until ended."""
    parser = argparse.ArgumentParser(prog="python -m drtool.lab.customers", description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--dns", required=True, type=parse_addresses)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--log", required=True, type=Path)
    given = parser.parse_args(arguments)
    customer = Customer(Endpoint(given.endpoint, given.dns), given.port)
    with given.log.open("a", encoding="utf-8", buffering=1) as log:
        while True:
            began = time.monotonic()
            log.write(json.dumps(asdict(customer.order())) + "\n")
            time.sleep(max(0.0, PACE_SECONDS - (time.monotonic() - began)))


if __name__ == "__main__":
    sys.exit(main())
