"""A power controller that speaks Redfish over HTTPS, for one machine of the lab.

``python -m drtool.lab.controller DIRECTORY`` reads ``controller.json`` there. It stands outside
the machine, as a baseboard management controller does: it survives when the machine loses its
power. Source: DMTF DSP0266 (Redfish) and the schema ComputerSystem. Over the socket in its
directory it also takes what no network can do: ``cut``, ``mains`` and ``button``.
"""

from __future__ import annotations

import base64
import hmac
import json
import ssl
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from drtool.lab.ask import Said
from drtool.lab.children import adopt_orphans
from drtool.lab.control import serve
from drtool.lab.machine import Machine, RestorePolicy

SYSTEM = "/redfish/v1/Systems/1"
RESET = f"{SYSTEM}/Actions/ComputerSystem.Reset"
RESETS = ("On", "ForceOff", "ForceRestart")
IDLE_SECONDS = 30.0
_LARGEST_BODY = 65536


@dataclass(frozen=True)
class Settings:
    """What ``controller.json`` holds."""

    name: str
    address: str
    port: int
    user: str
    password_file: str
    certificate: str
    key: str
    supervisor: list[str]
    directory: str
    log: str


@dataclass(frozen=True)
class Answer:
    """A status and a body."""

    status: int
    body: Said


class Redfish:
    """What the controller says and does, without HTTP."""

    def __init__(self, name: str, machine: Machine) -> None:
        self.name, self.machine = name, machine

    def route(self, method: str, path: str, body: Said) -> Answer:
        """Answer one request that was let in."""
        match (method, path.rstrip("/")):
            case ("GET", "/redfish/v1"):
                return Answer(200, {"Id": "RootService", "Systems": {"@odata.id": _SYSTEMS}})
            case ("GET", "/redfish/v1/Systems"):
                return Answer(200, {"Members": [{"@odata.id": SYSTEM}], "Members@odata.count": 1})
            case ("GET", "/redfish/v1/Systems/1"):
                return Answer(200, self.system())
            case ("PATCH", "/redfish/v1/Systems/1"):
                return self.patch(body)
            case ("POST", path) if path == RESET:
                return self.reset(body)
        return _refusal(404, f"{method} {path} is nothing that this controller knows")

    def system(self) -> Said:
        """The machine as a ComputerSystem."""
        return {
            "@odata.id": SYSTEM,
            "@odata.type": "#ComputerSystem.v1_22_0.ComputerSystem",
            "Id": "1",
            "Name": self.name,
            "SystemType": "Physical",
            "PowerState": "On" if self.machine.on else "Off",
            "PowerRestorePolicy": self.machine.policy.value,
            "Actions": {
                "#ComputerSystem.Reset": {
                    "target": RESET,
                    "ResetType@Redfish.AllowableValues": list(RESETS),
                }
            },
        }

    def patch(self, body: Said) -> Answer:
        """Change the power restore policy; nothing else can be changed."""
        wanted = body.get("PowerRestorePolicy")
        known = [policy.value for policy in RestorePolicy]
        if set(body) != {"PowerRestorePolicy"} or wanted not in known:
            return _refusal(400, f"PowerRestorePolicy must be one of {', '.join(known)}")
        self.machine.policy = RestorePolicy(wanted)
        return Answer(200, self.system())

    def reset(self, body: Said) -> Answer:
        """Switch the machine on or off; answered when it is done."""
        match body.get("ResetType"):
            case "On":
                trouble = self.machine.press_on()
            case "ForceOff":
                self.machine.force_off()
                trouble = ""
            case "ForceRestart":
                self.machine.force_off()
                trouble = self.machine.press_on()
            case _:
                return _refusal(400, f"ResetType must be one of {', '.join(RESETS)}")
        return _refusal(409, trouble) if trouble else Answer(204, {})


_SYSTEMS = "/redfish/v1/Systems"


def _refusal(status: int, text: str) -> Answer:
    return Answer(status, {"error": {"code": "Base.1.18.GeneralError", "message": text}})


class Handler(BaseHTTPRequestHandler):
    """Lets in who knows the password; a subclass made at start-up carries the rest."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    redfish: Redfish
    credentials: bytes

    def do_GET(self) -> None:
        """Read."""
        self._answer()

    def do_PATCH(self) -> None:
        """Change a property."""
        self._answer()

    def do_POST(self) -> None:
        """Start an action."""
        self._answer()

    def log_message(self, *args: object) -> None:
        """Stay silent."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(min(length, _LARGEST_BODY))
        if not self._let_in():
            answer = _refusal(401, "user or password is wrong")
        else:
            try:
                body = json.loads(raw or b"{}")
            except ValueError:
                body = None
            if isinstance(body, dict):
                answer = self.redfish.route(self.command, self.path, body)
            else:
                answer = _refusal(400, "the body is not a JSON object")
        self._send(answer)

    def _let_in(self) -> bool:
        kind, _, given = (self.headers.get("Authorization") or "").partition(" ")
        try:
            offered = base64.b64decode(given, validate=True)
        except ValueError:
            return False
        return kind.lower() == "basic" and hmac.compare_digest(offered, self.credentials)

    def _send(self, answer: Answer) -> None:
        content = json.dumps(answer.body).encode() if answer.body else b""
        self.send_response(answer.status)
        self.send_header("OData-Version", "4.0")
        if answer.status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="power controller"')
        if content:
            self.send_header("Content-Type", "application/json")
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    tls: ssl.SSLContext

    def get_request(self) -> tuple[Any, Any]:
        """Accept; the handshake is made on the request's own thread, so that none waits."""
        sock, address = super().get_request()
        sock.settimeout(IDLE_SECONDS)
        return (
            self.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False),
            address,
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away or would not trust us."""


class Panel:
    """What a person or a failing mains does to the machine, over the socket."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def answer(self, request: str) -> Said:
        """``state``, ``cut``, ``mains`` or ``button``."""
        trouble = ""
        match request:
            case "state":
                pass
            case "cut":
                self.machine.lose_mains()
            case "mains":
                self.machine.return_mains()
            case "button":
                trouble = self.machine.press_on()
            case _:
                trouble = f"unknown request {request!r}"
        return {
            "done": not trouble,
            "text": trouble or f"{request}: done",
            "on": self.machine.on,
            "mains": self.machine.mains,
            "policy": self.machine.policy.value,
        }


def main(arguments: list[str]) -> int:
    """Switch the machine on and serve until ended."""
    directory = Path(arguments[0])
    told = json.loads((directory / "controller.json").read_text(encoding="utf-8"))
    settings = Settings(**told)
    adopt_orphans()
    machine = Machine(settings.supervisor, Path(settings.directory), Path(settings.log))
    threading.Thread(target=machine.children.reap, daemon=True).start()
    password = Path(settings.password_file).read_text(encoding="utf-8").strip()
    handler = type(
        "RedfishHandler",
        (Handler,),
        {
            "redfish": Redfish(settings.name, machine),
            "credentials": f"{settings.user}:{password}".encode(),
        },
    )
    server = _Server((settings.address, settings.port), handler)
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(settings.certificate, settings.key)
    machine.press_on()
    serve(directory, Panel(machine).answer)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
