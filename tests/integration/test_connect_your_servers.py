"""What the how-to asks of one's servers is enough, and no more than that: shown on real ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dns_pair import NAME, DnsPair, carry_out
from driven import drive, facts_of
from machine_servers import needed
from postgresql_pair import Server, both_releases, wait_until
from ssh_host import Hosts
from sshd_host import Sshd

from drtool.actions.dns import Redirect
from drtool.actions.postgresql.fence import Fence
from drtool.actions.postgresql.promote import Promote
from drtool.actions.postgresql.reinstate import Reinstate
from drtool.clock import SystemClock
from drtool.connections.dns import Answer, DnsHands
from drtool.connections.dns.rights import RightsReader
from drtool.connections.postgresql import PostgresqlSession
from drtool.connections.postgresql.readiness import ReadinessReader
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.connections.ssh import SshReader
from drtool.errors import AccessDenied
from drtool.lab.layout import Address, Make, Ports
from drtool.lab.servers.dns import find_bind, find_knot
from drtool.lab.servers.kinds import DnsPlace
from drtool.lease.dns import take_dns
from drtool.model.inventory import Inventory
from drtool.model.purpose import Procedure
from drtool.redact import Redactor
from drtool.units import Duration

PAGE = (Path(__file__).parents[2] / "docs/how-to/connect-your-servers.md").read_text()


def shown(title: str) -> str:
    """A block of the page, without its indentation."""
    found = re.search(rf'^( *)```\w+ title="{title}"\n(.*?)^ *```', PAGE, re.DOTALL | re.MULTILINE)
    assert found, title
    return "".join(line.removeprefix(found[1]) for line in found[2].splitlines(keepends=True))


def as_shown(hosts: Hosts) -> None:
    """Both servers get the page's settings and lines of pg_hba.conf, the primary its statements.

    The test's own superuser stays; everybody else comes in by the page's lines.
    """
    east, west = hosts.pair.east, hosts.pair.west
    for statement in shown("rights.sql").replace("CHANGE-ME-TOO", "CHANGE-ME").split(";\n"):
        if statement:
            east.sql(statement.replace("CHANGE-ME", east.password))
    hosts.pair.catch_up()
    lines = shown("pg_hba.conf").replace("orders ", "postgres ").replace("hostssl", "host")
    lines = re.sub(r"\d+\.\d+\.\d+\.\d+/\d+", "127.0.0.0/8", lines)
    own = "host all,replication postgres 127.0.0.0/8 scram-sha-256\n"
    west.stop()
    east.stop()
    for server in (east, west):
        (server.data / "pg_hba.conf").write_text(own + lines)
        with (server.data / "postgresql.conf").open("a") as settings:
            settings.write(shown("postgresql.conf"))
        server.start()
    wait_until(lambda: east.sql("SELECT 1 FROM pg_stat_replication"))


def inventory_of(hosts: Hosts) -> Inventory:
    password = {"secret": f"file:{hosts.pair.directory / 'password'}"}
    role = {"user": "replicator", "password": password}
    plain = hosts.inventory(user="drtool", replication=role).model_dump(mode="json")
    for server in (hosts.pair.east, hosts.pair.west):
        system = plain["sites"][server.site]["systems"]["orders_db"]
        system["start_command"] = start_of(hosts, server)
    return Inventory.model_validate(plain)


def start_of(hosts: Hosts, server: Server) -> list[str]:
    options = f"-p {server.port} -c listen_addresses={server.address} -c unix_socket_directories="
    log = str(server.data.parent / "started.log")
    return [str(hosts.programs / "pg_ctl"), "-D", str(server.data), "-w", "-l", log,
            "-o", options, "start"]  # fmt: skip


@pytest.fixture
def connections(hosts: Hosts) -> Iterator[Connections]:
    as_shown(hosts)
    made = Connections(
        Context(inventory_of(hosts), Secrets(Redactor()), SystemClock(), run="test-run")
    )
    yield made
    made.close()


@both_releases
def test_the_rights_are_enough_to_fail_over_and_to_rewind(
    hosts: Hosts, connections: Connections
) -> None:
    east, west = hosts.pair.east, hosts.pair.west
    for site in ("east", "west"):
        found = connections.get(ReadinessReader, f"{site}.orders_db").readiness()
        assert (found.user, found.missing, found.missing_for_rewind) == ("drtool", (), ())
        assert found.role_trouble == ""
        assert found.can_be_rewound
    session = connections.get(PostgresqlSession, "east.orders_db")
    session.create_heartbeat_table()
    session.write_heartbeat("orders")
    session.probe_write("mark")
    assert connections.get(PostgresqlSession, "west.orders_db").try_lock(7)
    east.sql("ALTER SYSTEM SET synchronous_standby_names = 'somebody'")
    hosts.pair.catch_up()
    west.sql("ALTER SYSTEM SET primary_conninfo = ''")
    west.sql("SELECT pg_reload_conf()")
    wait_until(lambda: not east.sql("SELECT 1 FROM pg_stat_replication"))
    east.sql("CREATE TABLE only_here(x int)")
    at_east, at_west = (
        facts_of(connections.context.inventory, site, outage_start=SystemClock().wall())
        for site in ("east", "west")
    )
    fence = Fence(drain=Duration(1))
    fenced = drive(fence, connections, at_east)
    proofs = tuple(fence.proofs(fenced, at_east))
    at_west = at_west.model_copy(update={"proofs": proofs})
    drive(Promote(max_data_loss=Duration(60)), connections, at_west)
    session = connections.get(PostgresqlSession, "west.orders_db")
    session.empty_standby_names()
    session.restore_standby_names("")
    back = facts_of(connections.context.inventory, procedure=Procedure.REPROTECT)
    seen = drive(Reinstate(), connections, back, 60)
    assert seen.following
    wait_until(lambda: west.sql("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"))
    assert east.sql("SELECT to_regclass('only_here')") == [(None,)]


def test_each_right_that_is_shown_is_needed(hosts: Hosts, connections: Connections) -> None:
    east = hosts.pair.east
    reader = connections.get(ReadinessReader, "east.orders_db")
    grants = re.findall(r"^GRANT (.*) TO drtool;$", shown("rights.sql"), re.MULTILINE)
    kept = "ALTER SYSTEM ON PARAMETER drtool.synchronous_standby_names"  # it is done without, too
    for grant in (one for one in grants if one != kept):
        east.sql(f"REVOKE {grant} FROM drtool")
        found = reader.readiness()
        assert found.missing or found.missing_for_rewind, grant
        east.sql(f"GRANT {grant} TO drtool")


def test_a_key_that_may_only_run_commands_is_enough(tmp_path: Path) -> None:
    host = Sshd(tmp_path / "ssh", "127.0.1.1")
    host.start()
    try:
        line = re.search(r"^(restrict,from=)\S+ ssh-ed25519", PAGE, re.MULTILINE)
        assert line
        allowed = host.directory / "authorized_keys"
        allowed.write_text(f'{line[1]}"127.0.0.0/8" {allowed.read_text()}')
        inventory = Inventory.model_validate({
            "version": 1,
            "services": {"orders": {"preferred": "east"}},
            "sites": {"east": {"address": host.address}},
            "hosts": {"east_db": {"ssh": {
                "address": host.address, "port": host.port, "user": host.user,
                "host_key": host.host_key, "key_file": str(host.key_file),
                "state_directory": str(tmp_path / "state"),
            }}},
        })  # fmt: skip
        reader = SshReader.open("east_db", Context(inventory, Secrets(Redactor()), SystemClock()))
        assert reader.file_exists("/etc/passwd")
        reader.close()
    finally:
        host.stop()


@dataclass(frozen=True)
class AsShown:
    """A server of the machine's with the page's configuration of key, zone and rights."""

    title: str
    around: str
    words: tuple[str, ...]

    @property
    def make(self) -> Make:
        return Make("shown", "", self.words[0])

    def address(self, site: str, ports: Ports) -> Address:
        own = {"east": ("127.0.0.1", ports.dns), "west": ("127.0.0.1", ports.dns_beside)}
        return own[site]

    def command(self, place: DnsPlace) -> list[str]:
        place.directory.mkdir(exist_ok=True)
        text = shown(self.title).replace("shop.example", place.zone)
        text = re.sub(r"/var/lib/\S+\.zone", str(place.zone_file), text)
        text = re.sub(r"bWFr\w+=", place.key_file.read_text().strip(), text)
        host, port = place.address
        around = self.around.format(directory=place.directory, host=host, port=port)
        file = place.directory / self.title
        file.write_text(around + text)
        return [*self.words, str(file)]


_BIND = """\
options {{
    directory "{directory}"; pid-file "{directory}/pid"; session-keyfile "{directory}/session";
    managed-keys-directory "{directory}"; listen-on port {port} {{ {host}; }};
    listen-on-v6 {{ none; }}; recursion no; dnssec-validation no; notify no;
}};
controls {{}};
"""
_KNOT = """\
server:
    rundir: "{directory}"
    listen: "{host}@{port}"
database:
    storage: "{directory}"
"""


@pytest.mark.parametrize("kind", ["bind", "knot"])
def test_a_key_may_change_the_endpoint_and_the_lease_and_nothing_else(
    dns_pair: DnsPair, kind: str
) -> None:
    if kind == "bind":
        named = needed(find_bind()).make.path
        dns_pair.use(AsShown("named.conf", _BIND, (named, "-g", "-4", "-n", "1", "-c")))
    else:
        knotd = needed(find_knot()).make.path
        dns_pair.use(AsShown("knot.conf", _KNOT, (knotd, "-c")))
    dns_pair.start_child("east")
    dns_pair.start_child("west")
    hands = dns_pair.hands()
    carry_out(Redirect(), hands)
    for site in ("east", "west"):
        assert dns_pair.asked(site)[0] == ["127.0.2.1"]
        rights = hands.reach(RightsReader, f"ns_{site}")
        rights.check_right(rights.answer(NAME))
        with pytest.raises(AccessDenied):
            rights.check_right(rights.answer("ns1.lab.test"))
        absent = Answer(name="another.lab.test")
        with pytest.raises(AccessDenied):
            hands.reach(DnsHands, f"ns_{site}").replace(absent, ("127.0.0.9",), Duration(5))
    context = dns_pair.connections(hands.facts).context
    lease = take_dns("orders", "west", context, "ann", "run-1")
    lease.check()
    lease.release()
