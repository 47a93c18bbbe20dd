"""A power controller for tests that speaks as much Redfish as a fence needs, and may lie."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ssh_host import Hosts

from drtool.model.inventory import Inventory


class Controller:
    """What it says is what its fields hold; ``said`` are the resets that it was sent."""

    def __init__(self) -> None:
        self.power, self.policy, self.said = "On", "LastState", list[str]()
        self.off: Callable[[], None] = lambda: None
        controller = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                told = {"Id": "1", "PowerState": controller.power,
                        "PowerRestorePolicy": controller.policy, "UUID": "u-1"}  # fmt: skip
                self.answer(told)

            def do_PATCH(self) -> None:
                controller.policy = self.body()["PowerRestorePolicy"]
                self.answer({})

            def do_POST(self) -> None:
                controller.said.append(self.body()["ResetType"])
                controller.power = "Off"
                controller.off()
                self.answer({})

            def body(self) -> dict[str, str]:
                read: dict[str, str] = json.loads(
                    self.rfile.read(int(self.headers["Content-Length"]))
                )
                return read

            def answer(self, told: dict[str, str]) -> None:
                text = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *words: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def controller() -> Iterator[Controller]:
    made = Controller()
    yield made
    made.server.shutdown()
    made.server.server_close()


def powered(
    hosts: Hosts, controller: Controller, *, boot_guard: bool = True, **changed: object
) -> Inventory:
    """The hosts' inventory, with a controller for east."""
    secret = hosts.pair.directory / "bmc"
    secret.write_text("bmc-password")
    secret.chmod(0o600)
    plain = hosts.inventory(boot_guard=boot_guard, fence=("ssh", "power"), **changed).model_dump(
        mode="json"
    )
    plain["hosts"]["east_db"]["power"] = {
        "redfish": controller.url, "system": "1", "password": {"secret": f"file:{secret}"},
    }  # fmt: skip
    return Inventory.model_validate(plain)
