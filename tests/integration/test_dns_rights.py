"""What a key may change is found out without a change: by knot, by BIND, by the lab's server."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dns_pair import NAME, ZONE, DnsPair, free_port
from machine_servers import needed
from prefect_server import eventually

from drtool.clock import SystemClock
from drtool.connections.dns import Answer
from drtool.connections.dns.rights import RightsReader
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.errors import AccessDenied, DrtoolError, StepFailed
from drtool.lab.servers.dns import find_bind, find_knot
from drtool.model.inventory import Inventory
from drtool.redact import Redactor
from drtool.units import Duration

SECRET = base64.b64encode(b"a secret that nobody should use.").decode()
ADDRESS = "127.0.0.1"
OURS = Answer(name=NAME, values=("127.0.1.1",), ttl=Duration(5))
LEASE = Answer(name="_lease.lab.test", rdtype="TXT", values=('"free"',), ttl=Duration(1))

KNOT = """\
server:
    rundir: {directory}
    listen: {address}@{port}
key:
  - id: drtool
    algorithm: hmac-sha256
    secret: {secret}
  - id: weak
    algorithm: hmac-sha256
    secret: {secret}
acl:
  - id: all
    key: drtool
    action: update
  - id: some
    key: weak
    action: update
    update-type: TXT
database:
    storage: {directory}
zone:
  - domain: lab.test
    storage: {directory}
    file: zone
    acl: [all, some]
"""
BIND = """\
options {{
    directory "{directory}"; pid-file "{directory}/pid"; session-keyfile "{directory}/key";
    managed-keys-directory "{directory}"; listen-on port {port} {{ {address}; }};
    listen-on-v6 {{ none; }}; recursion no; dnssec-validation no; empty-zones-enable no;
}};
controls {{}};
key "drtool" {{ algorithm hmac-sha256; secret "{secret}"; }};
key "weak" {{ algorithm hmac-sha256; secret "{secret}"; }};
zone "lab.test" {{
    type master; file "{directory}/zone";
    update-policy {{ grant drtool zonesub ANY; grant weak zonesub TXT; }};
}};
"""


@dataclass(frozen=True)
class Running:
    """A server of the machine's, and readers of it under one key or another."""

    directory: Path
    port: int

    def reader(self, key_name: str = "drtool") -> RightsReader:
        server = {"site": "east", "address": ADDRESS, "port": self.port}
        told = {
            "zone": "lab.test",
            "key_name": key_name,
            "key": {"secret": "file:tsig"},
            "servers": {"ns": server},
        }
        site = {"east": {"address": "127.0.1.1"}}
        inventory = Inventory.model_validate(
            {"version": 1, "services": {}, "sites": site, "dns": told}
        )
        secrets = Secrets(Redactor(), self.directory)
        return RightsReader("ns", Context(inventory, secrets, SystemClock()))

    def answers(self) -> bool:
        try:
            return bool(self.reader().answer("lab.test", "SOA").values)
        except DrtoolError:
            return False

    def records(self) -> tuple[Answer, ...]:
        reader = self.reader()
        asked = (("lab.test", "SOA"), (NAME, "A"), (LEASE.name, "TXT"))
        return tuple(reader.answer(name, rdtype) for name, rdtype in asked)


@pytest.fixture(params=["knot", "bind"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path, free_port())
    knot = request.param == "knot"
    program = needed(find_knot()).make.path if knot else needed(find_bind()).make.path
    (tmp_path / "zone").write_text(ZONE)
    (tmp_path / "tsig").write_text(SECRET)
    (tmp_path / "tsig").chmod(0o600)
    text = (KNOT if knot else BIND).format(
        directory=tmp_path, address=ADDRESS, port=made.port, secret=SECRET
    )
    configuration = tmp_path / "configuration"
    configuration.write_text(text)
    words = ["-c"] if knot else ["-f", "-4", "-n", "1", "-c"]
    with (tmp_path / "log").open("w") as log:
        child = subprocess.Popen([program, *words, str(configuration)], stdout=log, stderr=log)
    try:
        eventually(made.answers)
        yield made
    finally:
        child.terminate()
        child.wait(20)


def test_a_key_that_may_change_a_name_is_told_from_one_that_may_not(server: Running) -> None:
    before = server.records()
    server.reader().check_right(OURS)
    server.reader().check_right(LEASE)
    server.reader("weak").check_right(LEASE)
    with pytest.raises(AccessDenied, match="does not let the TSIG key weak change zone"):
        server.reader("weak").check_right(OURS)
    assert server.records() == before


def test_a_signed_answer_tells_the_key_and_the_clock(server: Running) -> None:
    ahead = server.reader().ahead_seconds()
    assert ahead is not None
    assert abs(ahead) < 1
    with pytest.raises(AccessDenied, match="does not know the TSIG key nobody"):
        server.reader("nobody").ahead_seconds()


def rights(pair: DnsPair) -> RightsReader:
    return RightsReader("ns_east", pair.connections(pair.facts()).context)


def test_the_labs_server_is_left_as_it_was(both: DnsPair) -> None:
    before = both.zone_file("east").read_text()
    rights(both).check_right(OURS)
    assert both.servers["east"].updates == 1
    assert both.zone_file("east").read_text() == before


def test_a_server_that_keeps_no_prerequisites_is_named(both: DnsPair) -> None:
    both.servers["east"].says_noerror_and_keeps = True
    with pytest.raises(StepFailed, match="answers NOERROR to an update whose prerequisites cannot"):
        rights(both).check_right(OURS)
