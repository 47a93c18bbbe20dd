"""The lab on the machine's own servers: PostgreSQL, sshd, and knot or BIND."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dns.query
import dns.tsig
import dns.update
import pytest
from lab_runs import Operator, PracticeLab, wait_until
from machine_servers import needed
from terminal import ROOT, commands, terminal_in

from drtool.errors import BadInput, DrtoolError
from drtool.lab import bring
from drtool.lab.documents import KEY_NAME
from drtool.lab.drill import drill
from drtool.lab.layout import ADDRESSES, EAST, ENDPOINT, MARK, SITES, WEST, ZONE
from drtool.lab.listening import wait_for_services
from drtool.lab.nameserver import read_key
from drtool.lab.processes import marked
from drtool.lab.servers import dns as dns_servers
from drtool.lab.servers import openssh, postgresql
from drtool.lab.servers.choice import choose
from drtool.lab.standing import LabStatus
from drtool.model.event import StepEnded
from drtool.model.proof import ProofKind
from drtool.model.purpose import Outcome

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]
SEPARATION = Path("/run/sshd")


def system_lab(home: Path, dns_server: str) -> PracticeLab:
    needed(postgresql.find())
    needed(dns_servers.KINDS[dns_server]())
    needed(openssh.find())
    layout = bring.up(home, servers=choose("system", dns_server), prefect=False)
    return PracticeLab(layout)


@pytest.fixture(scope="module", params=["knot", "bind"])
def lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PracticeLab]:
    """One lab for each DNS server; its tests go on where the one before has left it."""
    home = tmp_path_factory.mktemp(request.param) / "lab"
    try:
        yield system_lab(home, request.param)
    finally:
        bring.down(home)


def segments() -> set[str]:
    """The ids of the kernel's shared memory segments."""
    rows = Path("/proc/sysvipc/shm").read_text(encoding="ascii").splitlines()[1:]
    return {row.split()[1] for row in rows}


def point(lab: PracticeLab, site: str, address: str) -> None:
    """Move the service's name on one server, by a signed update."""
    key = read_key(KEY_NAME, lab.layout.secret("tsig"))
    update = dns.update.UpdateMessage(ZONE, keyring=key)
    update.replace(f"{ENDPOINT}.", 1, "A", address)
    host, port = lab.layout.identity().dns[site]
    assert dns.query.tcp(update, host, port=port, timeout=5).rcode() == 0


def test_everything_answers_and_says_what_it_is(lab: PracticeLab) -> None:
    assert lab.whole
    found = lab.seen()
    assert found.servers is not None
    assert found.servers.choice == "system"
    assert found.servers.postgresql.path.startswith("/usr/lib/postgresql/")
    assert found.servers.ssh.name == "OpenSSH"
    assert found.servers.dns.name in {"knot", "BIND"}
    version = lab.sql(EAST, "show server_version")[0][0]
    assert version.split()[0] == found.servers.postgresql.version
    assert LabStatus.model_validate_json(found.model_dump_json()) == found
    programs = {kind: getattr(found.sites[EAST], kind).pid for kind in ("dns", "ssh")}
    for kind, pid in programs.items():
        path = getattr(found.servers, kind).path
        assert Path(f"/proc/{pid}/exe").samefile(path), f"{kind} is the machine's own"


def test_a_site_comes_back_with_its_peers_zone_and_its_database_held_back(
    lab: PracticeLab,
) -> None:
    lab.cut_power(EAST)
    assert not any((lab.site(EAST).ssh.answers, lab.site(EAST).dns.answers))
    point(lab, WEST, ADDRESSES[WEST])
    lab.power_back(EAST)
    east = lab.site(EAST)
    assert east.postgresql.state == "held back"
    assert east.dns.endpoint_address == ADDRESSES[WEST]
    point(lab, EAST, ADDRESSES[EAST])
    point(lab, WEST, ADDRESSES[EAST])
    lab.layout.site(EAST).release.touch()
    lab.service(EAST, "start", "postgresql")
    wait_until(lambda: lab.whole)


def test_a_drill_on_other_servers_than_run_is_refused(lab: PracticeLab) -> None:
    with pytest.raises(BadInput, match=r"lab: is up with PostgreSQL 1\d.*; expected .*asyncssh"):
        drill(lab.home, servers="embedded")
    other = "bind" if lab.seen().servers.dns.name == "knot" else "knot"  # type: ignore[union-attr]
    with pytest.raises(BadInput, match=f"(?i)expected .*{other}"):
        drill(lab.home, servers="system", dns=other)


def test_a_server_that_ends_at_once_is_told_with_its_last_words(lab: PracticeLab) -> None:
    lab.service(EAST, "stop", "dns")
    (written,) = (lab.layout.site(EAST).root / "dns").glob("*.conf")
    right = written.read_text()
    written.write_text(f"nonsense {right}")
    lab.service(EAST, "start", "dns")
    with pytest.raises(DrtoolError, match=r"dns of east: ended with code .*nonsense"):
        wait_for_services(lab.layout, EAST)
    written.write_text(right)
    lab.service(EAST, "start", "dns")
    wait_for_services(lab.layout, EAST)


def test_a_live_primary_is_fenced_over_ssh_and_comes_back_as_a_standby(
    lab: PracticeLab, tmp_path: Path
) -> None:
    operator = Operator(lab, tmp_path)
    lab.place_orders(EAST)
    ran = operator.fail_over()
    assert ran.code == 0, ran.said
    fences = [
        proof.kind
        for event in ran.events
        if isinstance(event.body, StepEnded)
        for proof in event.body.proofs
    ]
    assert fences == [ProofKind.PROCESSES]
    world = lab.world()
    assert world.roles == {EAST: "stopped", WEST: "primary"}
    assert set(world.names.values()) == {ADDRESSES[WEST]}
    back = operator.carry("reprotect", "--from", EAST, "--to", WEST)
    assert back.step("reinstate").outcome is Outcome.SUCCEEDED
    assert lab.world().roles == {EAST: "standby", WEST: "primary"}


def test_down_leaves_no_process_no_file_and_no_memory(tmp_path: Path) -> None:
    had_directory = SEPARATION.exists()
    lab = system_lab(tmp_path / "lab", "knot")
    mark = lab.layout.identity().mark
    noted = [lab.layout.site(site).data / "postmaster.pid" for site in SITES]
    made = {file.read_text().splitlines()[6].split()[1] for file in noted}
    assert made <= segments()
    lab.cut_power(EAST)
    assert bring.down(lab.home)
    assert marked(MARK, mark) == []
    assert not lab.home.exists()
    assert not made & segments()
    assert SEPARATION.exists() is had_directory


def test_the_how_tos_commands_do_what_they_say(tmp_path: Path) -> None:
    for found in (postgresql.find(), dns_servers.find(), openssh.find()):
        needed(found)
    page = ROOT / "docs" / "how-to" / "lab-system-servers.md"
    with terminal_in(tmp_path) as terminal:
        said = [terminal.follow(one) for one in commands(page.read_text(encoding="utf-8"))]
    assert "(system)" in said[1]
    assert not (tmp_path / "lab").exists()
