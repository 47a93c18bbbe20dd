"""A site's own configuration outlives a rewind and a new copy, also where a disk is full."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from driven import drive, facts_of
from fault_record import Fault
from postgresql_pair import both_releases, processes_of, wait_until
from small_disk import SmallDisk, small_disk
from ssh_host import Hosts

from drtool.action import Hands
from drtool.actions.postgresql.reinstate import Reinstate
from drtool.connections.reach import Connections
from drtool.errors import StepFailed
from drtool.model.purpose import Procedure

OWN = "# the site's own words\n"
EITHER = pytest.mark.parametrize(
    "verb",
    [Reinstate(method="rewind", keep="nothing"), Reinstate(method="rebuild", keep="nothing")],
    ids=["rewind", "rebuild"],
)


def left_behind(hosts: Hosts) -> None:
    """East has its own words in its rules, and dies with a row that west never got."""
    east, west = hosts.pair.east, hosts.pair.west
    with (east.data / "pg_hba.conf").open("a") as rules:
        rules.write("# padding\n" * 200_000 + OWN)
    (east.data.parent / "extra.conf").write_text(OWN)
    (east.data / "linked.conf").symlink_to("../extra.conf")
    (east.data / "conf.d").mkdir()
    (east.data / "conf.d" / "own.conf").write_text(OWN)
    east.sql("CREATE TABLE t(x int)")
    hosts.pair.catch_up()
    west.sql("ALTER SYSTEM SET primary_conninfo = ''")
    west.sql("SELECT pg_reload_conf()")
    wait_until(lambda: not east.sql("SELECT 1 FROM pg_stat_replication"))
    east.sql("INSERT INTO t VALUES (-1)")
    east.cut_power()
    wait_until(lambda: not processes_of(east.data))
    west.sql("SELECT pg_promote(true)")


def reached(hosts: Hosts) -> Connections:
    east = hosts.pair.east
    return hosts.connections(
        start_command=[
            str(hosts.programs / "pg_ctl"), "-D", str(east.data), "-w",
            "-l", str(east.data.parent / "started.log"), "-o",
            f"-p {east.port} -c listen_addresses={east.address} -c unix_socket_directories=",
            "start",
        ]
    )  # fmt: skip


def configuration_of(directory: Path) -> dict[str, str]:
    """The site's own files there; what a link says, for a link."""
    found = [*directory.glob("*.conf"), *directory.glob("conf.d/*")]
    return {
        path.name: str(path.readlink()) if path.is_symlink() else path.read_text()
        for path in found
        if path.name != "postgresql.auto.conf"
    }


def failing(hosts: Hosts, verb: Reinstate, connections: Connections, why: str) -> StepFailed:
    facts = facts_of(hosts.inventory(), procedure=Procedure.REPROTECT)
    with pytest.raises(StepFailed, match=why) as failed:
        verb.apply(Hands(connections, facts), [])
    return failed.value


def follows_with(hosts: Hosts, verb: Reinstate, connections: Connections) -> None:
    facts = facts_of(hosts.inventory(), procedure=Procedure.REPROTECT)
    assert drive(verb, connections, facts, 40).following


@EITHER
@both_releases
def test_a_configuration_that_cannot_be_kept_is_not_replaced(
    hosts: Hosts, fault: Fault, verb: Reinstate
) -> None:
    east, state = hosts.pair.east, hosts.hosts["east"].directory / "state"
    with small_disk(state, 1) as disk:
        if not isinstance(disk, SmallDisk):
            fault.cannot_inject(disk)
            return
        left_behind(hosts)
        before = configuration_of(east.data)
        older = state / "east.orders_db" / "configuration"
        older.mkdir(parents=True)
        (older / "pg_hba.conf").write_text("# what an earlier attempt kept\n")
        connections = reached(hosts)
        failed = failing(hosts, verb, connections, "No space left on device")
        fault.injected("the state directory has room for the settings, and not for pg_hba.conf")
        fault.got(failed.line())
        assert "cannot be kept" in failed.line()
        assert str(east.data) in failed.hint
        assert configuration_of(east.data) == before
        assert configuration_of(older) == {"pg_hba.conf": "# what an earlier attempt kept\n"}
        assert (east.data / "base").is_dir()
        assert east.data.stat().st_mode & 0o777 == 0o700
        subprocess.run(["mount", "-o", "remount,size=64m", str(state)], check=True)
        follows_with(hosts, verb, connections)
        connections.close()
        assert configuration_of(east.data) == before


@EITHER
@both_releases
def test_a_configuration_that_cannot_be_put_back_lets_no_server_start(
    hosts: Hosts, tmp_path: Path, fault: Fault, verb: Reinstate
) -> None:
    east, ssh = hosts.pair.east, hosts.hosts["east"]
    programs, broken = tmp_path / "programs", tmp_path / "broken"
    programs.mkdir()
    cp = programs / "cp"
    cp.write_text(
        f'#!/bin/sh\ncase "$*" in *"pg_hba.conf {east.data}/")\n'
        f"[ -e {broken} ] && echo 'cp: error writing: Input/output error' >&2 && exit 1 ;; esac\n"
        'exec /bin/cp "$@"\n'
    )
    cp.chmod(0o755)
    ssh.environment["PATH"] = f"{programs}:{os.environ['PATH']}"
    left_behind(hosts)
    before = configuration_of(east.data)
    broken.touch()
    connections = reached(hosts)
    failed = failing(hosts, verb, connections, "Input/output error")
    fault.injected("the site's own pg_hba.conf cannot be written into the data directory")
    fault.got(failed.line())
    assert "cannot be put back from" in failed.line()
    assert configuration_of(ssh.directory / "state" / "east.orders_db" / "configuration") == before
    with pytest.raises((AssertionError, psycopg.Error)):
        east.start()
    broken.unlink()
    follows_with(hosts, Reinstate(), connections)
    connections.close()
    assert configuration_of(east.data) == before
