"""The lab itself: what it brings up works, what it breaks is broken, what it leaves is nothing."""

from __future__ import annotations

import http.client
import json
import os
import pwd
import shutil
import ssl
import stat
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest

from drtool.errors import BadInput, DrtoolError
from drtool.lab import bring
from drtool.lab.customers import Customer
from drtool.lab.endpoint import Endpoint
from drtool.lab.layout import ADDRESSES, ENDPOINT, MARK, SITES, Layout
from drtool.lab.listening import wait_for_services
from drtool.lab.processes import marked
from drtool.lab.standing import LabStatus
from drtool.lab.status import status
from drtool.lab.watching import Watch

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]


def wait_until(reached: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < until, "not reached in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    layout = bring.up(tmp_path_factory.mktemp("lab"))
    yield layout
    bring.down(layout.home)


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Layout]:
    layout = bring.up(tmp_path / "lab", prefect=False)
    yield layout
    bring.down(layout.home)


def seen(layout: Layout) -> LabStatus:
    return status(layout.home)


def test_everything_answers_and_the_roles_are_right(lab: Layout) -> None:
    found = seen(lab)
    assert found.up
    assert found.primaries == ("east",)
    east, west = found.sites["east"], found.sites["west"]
    for site in (east, west):
        assert site.ssh.answers
        assert site.dns.endpoint_address == ADDRESSES["east"]
        assert site.orders.answers
        assert site.power.answers
        assert site.power.on
    assert west.postgresql.state == "standby"
    assert west.postgresql.timeline == east.postgresql.timeline == 1
    assert west.postgresql.system_identifier == east.postgresql.system_identifier
    assert "west streaming" in east.postgresql.followed_by
    assert found.prefect is not None
    assert found.prefect.answers


def test_the_status_round_trips_as_json(lab: Layout) -> None:
    found = seen(lab)
    assert LabStatus.model_validate_json(found.model_dump_json()) == found


def test_no_secret_can_be_read_by_others(lab: Layout) -> None:
    secrets = [*lab.secrets.iterdir(), *(lab.site(site).host_key for site in SITES)]
    assert len(secrets) > 8
    for path in (*secrets, lab.identity_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(lab.home.stat().st_mode) == 0o700


def test_a_second_lab_in_the_same_place_is_refused(lab: Layout) -> None:
    with pytest.raises(BadInput, match="there is one"):
        bring.up(lab.home)
    assert seen(lab).primaries == ("east",)


def test_customers_order_and_write_from_outside(lab: Layout) -> None:
    watch = Watch(lab)
    began = time.time()
    watch.start()
    try:
        watch.wait_until_served(began)
    finally:
        watch.stop()
    assert {order.site for order in watch.orders() if order.acknowledged} == {"east"}
    assert {(write.site, write.timeline) for write in watch.writes()} == {("east", 1)}


def test_the_power_controller_wants_its_password_and_shows_its_certificate(lab: Layout) -> None:
    port = lab.identity().ports.power
    trust = ssl.create_default_context(cafile=str(lab.ca))

    def get(password: str) -> tuple[int, dict[str, object]]:
        connection = http.client.HTTPSConnection(ADDRESSES["west"], port, context=trust, timeout=5)
        basic = b64encode(f"drtool:{password}".encode()).decode()
        connection.request(
            "GET", "/redfish/v1/Systems/1", headers={"Authorization": f"Basic {basic}"}
        )
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
        return answer.status, told

    assert get("wrong")[0] == 401
    code, system = get(lab.secret("west_power.password").read_text())
    assert code == 200
    assert system["PowerState"] == "On"
    assert system["PowerRestorePolicy"] == "LastState"


@pytest.fixture
def ssh(lab: Layout) -> Iterator[paramiko.Transport]:
    transport = paramiko.Transport((ADDRESSES["west"], lab.identity().ports.ssh))
    key = paramiko.Ed25519Key.from_private_key_file(str(lab.ssh_key))
    transport.connect(username="operator", pkey=key)
    yield transport
    transport.close()


def run(transport: paramiko.Transport, command: str, typed: bytes = b"") -> tuple[int, bytes]:
    session = transport.open_session()
    session.exec_command(command)
    session.sendall(typed)
    session.shutdown_write()
    said = session.makefile("rb").read()
    return session.recv_exit_status(), said


def test_ssh_carries_input_output_and_exit_codes(ssh: paramiko.Transport) -> None:
    assert run(ssh, "cat; exit 3", b"typed") == (3, b"typed")
    assert run(ssh, "kill -9 $$")[0] == -1
    code, said = run(ssh, "head -c 5000000 /dev/zero")
    assert (code, len(said)) == (0, 5_000_000)


def test_ssh_runs_postgresql_as_its_own_user(ssh: paramiko.Transport) -> None:
    code, said = run(ssh, "pg_controldata -D data")
    assert code == 0
    assert b"in archive recovery" in said
    assert run(ssh, "pg_ctl -D data status")[0] == 0


def test_ssh_turns_a_stranger_away(lab: Layout) -> None:
    transport = paramiko.Transport((ADDRESSES["west"], lab.identity().ports.ssh))
    with pytest.raises(paramiko.AuthenticationException):
        transport.connect(username="operator", pkey=paramiko.ECDSAKey.generate())
    transport.close()


def test_a_power_cut_leaves_nothing_and_the_guard_holds_the_primary_back(own_lab: Layout) -> None:
    home = own_lab.home
    customer = Customer(
        Endpoint(
            ENDPOINT, tuple((ADDRESSES[site], own_lab.identity().ports.dns) for site in SITES)
        ),
        own_lab.identity().ports.orders,
    )
    assert customer.order().acknowledged
    bring.break_site(home, "east")
    assert not customer.order().acknowledged
    east = seen(own_lab).sites["east"]
    assert not any((east.ssh.answers, east.dns.answers, east.orders.answers))
    assert east.postgresql.state == "stopped"
    assert (east.power.answers, east.power.on, east.power.mains) == (True, False, False)
    with pytest.raises(DrtoolError, match="mains"):
        bring.press_button(home, "east")
    bring.mend(home, "east")
    wait_for_services(own_lab, "east")
    east = seen(own_lab).sites["east"]
    assert east.power.on
    assert east.postgresql.state == "held back"
    assert east.dns.answers
    started = own_lab.site("east").bin / "postgres-start"
    held = subprocess.run([started], capture_output=True, text=True, check=False)
    assert held.returncode == 1
    assert "boot guard" in held.stdout
    own_lab.site("east").release.touch()
    released = subprocess.run([started], capture_output=True, text=True, check=False)
    assert released.returncode == 0, released.stdout
    assert not own_lab.site("east").release.exists()
    wait_until(lambda: "streaming" in seen(own_lab).sites["east"].postgresql.followed_by)
    assert customer.order().acknowledged


def test_down_ends_what_bears_the_mark_and_removes_every_file(tmp_path: Path) -> None:
    layout = bring.up(tmp_path / "lab", prefect=False)
    mark = layout.identity().mark
    stray = subprocess.Popen(["/bin/sleep", "600"], env={MARK: mark}, start_new_session=True)
    assert len(marked(MARK, mark)) > 10
    assert bring.down(layout.home)
    assert marked(MARK, mark) == []
    assert not layout.home.exists()
    assert stray.wait() == -9
    assert not bring.down(layout.home)


def test_a_site_that_is_not_there_is_told(lab: Layout) -> None:
    with pytest.raises(BadInput, match="site north: is not in the lab; expected east or west"):
        bring.break_site(lab.home, "north")


def ordinary_environment(home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "DRTOOL_LAB_HOME": str(home / "lab"),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def ordinary_python(user: int) -> str | None:
    """A Python of our version that an ordinary user can run; ours may lie in a closed home."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        probe = ["/bin/sh", "-c", f"'{candidate}' -c pass"]
        if subprocess.run(probe, user=user, capture_output=True, check=False).returncode == 0:
            return candidate
    return None


# PostgreSQL's package brings a user who, unlike nobody, can log in.
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("name", "servers"), [("nobody", "embedded"), ("nobody", "system"), ("postgres", "system")]
)
def test_an_ordinary_user_can_have_a_lab(name: str, servers: str) -> None:
    user = pwd.getpwnam(name)
    python = ordinary_python(user.pw_uid)
    if python is None:
        pytest.skip("no Python that an ordinary user can run")
    place = Path(tempfile.mkdtemp(prefix="drtool-lab-"))
    os.chown(place, user.pw_uid, user.pw_gid)

    def lab(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-m", "drtool.lab", *words],
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
            cwd=place,
            env=ordinary_environment(place),
            capture_output=True,
            text=True,
            check=False,
        )

    # Another Python than ours may lack what Prefect needs on it.
    needs = [python, "-c", "import prefect.server.api.server"]
    env = ordinary_environment(place)
    has_prefect = subprocess.run(needs, env=env, capture_output=True, check=False).returncode == 0
    try:
        up = lab("up", "--servers", servers, *([] if has_prefect else ["--without-prefect"]))
        if (name, servers) == ("nobody", "system"):
            assert up.returncode == 2
            assert "sshd lets only nobody in, whose shell is" in up.stderr
            assert not (place / "lab").exists()
            return
        assert up.returncode == 0, up.stderr
        told = LabStatus.model_validate_json(lab("status", "--json").stdout)
        assert told.primaries == ("east",)
        assert told.sites["west"].postgresql.follows
        assert Path(told.sites["east"].postgresql.data_directory).stat().st_uid == user.pw_uid
        assert lab("break", "east").returncode == 0
        assert LabStatus.model_validate_json(lab("status", "--json").stdout).primaries == ()
        assert "stays" in lab("mend", "east").stdout or "held back" in lab("mend", "east").stdout
    finally:
        down = lab("down")
        shutil.rmtree(place, ignore_errors=True)
    assert down.returncode == 0, down.stderr
