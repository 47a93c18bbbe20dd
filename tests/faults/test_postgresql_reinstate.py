"""Bringing the old primary back: F41 to F43, L17, and what must never be lost or started."""

from __future__ import annotations

import os
import subprocess
import time

import psycopg
import pytest
from driven import drive, facts_of
from fault_record import Fault
from postgresql_pair import Server, both_releases, wait_until
from power_controller import Controller, powered
from ssh_host import Hosts

from drtool.action import Hands, Look
from drtool.actions.postgresql.demote import Demote
from drtool.actions.postgresql.fence import Fence
from drtool.actions.postgresql.reinstate import Reinstate
from drtool.actions.postgresql.reinstatement import Reinstated, look_at_both
from drtool.actions.postgresql.reprotect import Reprotect
from drtool.clock import SystemClock
from drtool.connections.postgresql_host import PostgresqlHostReader
from drtool.connections.postgresql_host.reader import TAIL_LISTED
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.errors import DrtoolError, Refused
from drtool.model.postgresql_host import IN_ARCHIVE_RECOVERY
from drtool.model.purpose import Procedure
from drtool.redact import Redactor

EAST = "east.orders_db"
COMMITS = "DO $$ BEGIN FOR n IN 1..{} LOOP INSERT INTO t VALUES (-n); COMMIT; END LOOP; END $$"


def fail_over(hosts: Hosts, *, lost_rows: int = 0) -> None:
    """East dies with rows that west never got; west is promoted."""
    east, west = hosts.pair.east, hosts.pair.west
    east.sql("CREATE TABLE t(x int)")
    east.sql("INSERT INTO t SELECT generate_series(1, 100)")
    hosts.pair.catch_up()
    if lost_rows:
        west.sql("ALTER SYSTEM SET primary_conninfo = ''")
        west.sql("SELECT pg_reload_conf()")
        wait_until(lambda: not east.sql("SELECT 1 FROM pg_stat_replication"))
        east.sql(COMMITS.format(lost_rows))
    east.cut_power()
    promote(west)


def promote(server: Server) -> None:
    server.sql("SELECT pg_promote(true)")
    server.sql("INSERT INTO t VALUES (1000)")


def start_command(hosts: Hosts) -> list[str]:
    """How the test's hosts start east: as its supervisor would."""
    east = hosts.pair.east
    return [str(hosts.programs / "pg_ctl"), "-D", str(east.data), "-w", "-l",
            str(east.data.parent / "started.log"), "-o",
            f"-p {east.port} -c listen_addresses={east.address} -c unix_socket_directories=",
            "start"]  # fmt: skip


def reinstate(hosts: Hosts, shown: list[str] | None = None, **changed: object) -> Reinstated:
    changed = {"start_command": start_command(hosts), **changed}
    connections = hosts.connections(**changed)
    facts = facts_of(hosts.inventory(**changed), procedure=Procedure.REPROTECT)
    try:
        return drive(Reinstate(), connections, facts, 40, shown)
    finally:
        connections.close()


def rewinding_by(hosts: Hosts, script: str) -> str:
    """PostgreSQL's programs, with another pg_rewind; where they are."""
    bins = hosts.hosts["east"].directory / "bin"
    bins.mkdir()
    for program in hosts.programs.iterdir():
        (bins / program.name).symlink_to(program)
    (bins / "pg_rewind").unlink()
    (bins / "pg_rewind").write_text(f"#!/bin/sh\n{script}\n")
    (bins / "pg_rewind").chmod(0o755)
    return str(bins)


def kept(hosts: Hosts) -> list[str]:
    state = hosts.hosts["east"].directory / "state" / EAST
    return sorted(str(path.relative_to(state)) for path in state.glob("divergent-*/*"))


def copied(hosts: Hosts) -> bool:
    """Whether a base backup was made, and not only a rewind."""
    return any("drtool-rebuild" in command for command in hosts.hosts["east"].said)


def is_the_same_on_both(hosts: Hosts) -> None:
    east, west = hosts.pair.east, hosts.pair.west
    wait_until(
        lambda: (
            east.sql("SELECT count(*), sum(x) FROM t") == west.sql("SELECT count(*), sum(x) FROM t")
        )
    )
    assert east.sql("SELECT pg_is_in_recovery()")[0][0] is True


def test_a_machine_that_was_switched_on_by_hand_stays_on_after_the_next_power_cut(
    hosts: Hosts, controller: Controller
) -> None:
    fail_over(hosts)
    controller.policy = "AlwaysOff"
    inventory = powered(hosts, controller, start_command=start_command(hosts))
    connections = Connections(Context(inventory, Secrets(Redactor()), SystemClock()))
    facts = facts_of(inventory, procedure=Procedure.REPROTECT)
    shown: list[str] = []
    seen = drive(Reinstate(), connections, facts, 40, shown)
    connections.close()
    assert seen.following
    assert controller.policy == "LastState"
    assert controller.said == []
    assert shown[-1] == (
        f"postgresql {EAST} restore policy of host east_db: AlwaysOff -> LastState"
    )


def test_a_controller_that_does_not_answer_keeps_nobody_from_following(
    hosts: Hosts, controller: Controller
) -> None:
    fail_over(hosts)
    controller.server.server_close()
    inventory = powered(hosts, controller, start_command=start_command(hosts))
    connections = Connections(Context(inventory, Secrets(Redactor()), SystemClock()))
    seen = drive(Reinstate(), connections, facts_of(inventory, procedure=Procedure.REPROTECT), 40)
    connections.close()
    assert seen.following
    assert seen.loose_ends is not None
    assert "does not answer" in seen.loose_ends.power_trouble


@both_releases
def test_f41_commits_before_the_fence_are_kept_listed_and_taken_back(
    hosts: Hosts, fault: Fault
) -> None:
    own = "# the site's own words\n"
    with (hosts.pair.east.data / "postgresql.conf").open("a") as settings:
        settings.write(own)
    fail_over(hosts, lost_rows=7)
    connections = hosts.connections()
    look = Look(connections, facts_of(hosts.inventory(), procedure=Procedure.REPROTECT))
    before = Reinstate().observe(look)
    connections.close()
    assert before.diverged
    assert before.tail is not None
    assert before.tail.commits == 7
    fault.injected("the old primary has 7 commits that the new one never got")
    assert before.split_brain == ""
    seen = reinstate(hosts)
    assert seen.following
    assert not copied(hosts)
    is_the_same_on_both(hosts)
    assert hosts.pair.east.sql("SELECT count(*) FROM t WHERE x < 0")[0][0] == 0
    names = kept(hosts)
    assert any(name.endswith("commits.txt") for name in names)
    state = hosts.hosts["east"].directory / "state" / EAST
    commits = next(state.glob("divergent-*/commits.txt")).read_text()
    assert commits.count("COMMIT") == 7
    assert own in (hosts.pair.east.data / "postgresql.conf").read_text()
    assert "primary_conninfo" in (hosts.pair.east.data / "postgresql.auto.conf").read_text()
    assert oct(hosts.pair.east.data.stat().st_mode)[-3:] == "700"
    assert hosts.pair.west.sql("SELECT active FROM pg_replication_slots")[0][0] is True


@both_releases
def test_f41_commits_after_the_promotion_are_split_brain(hosts: Hosts, fault: Fault) -> None:
    fail_over(hosts)
    east, west = hosts.pair.east, hosts.pair.west
    time.sleep(1.2)  # the history file bears whole seconds
    east.start()
    east.sql("INSERT INTO t VALUES (-1)")
    east.stop()
    with pytest.raises(Refused, match="split brain") as raised:
        reinstate(hosts)
    fault.injected("the old primary took a commit after the promotion")
    fault.got(str(raised.value))
    assert "timeline 1 was left at" in str(raised.value)
    assert west.sql("SELECT 1")
    east.start()
    assert east.sql("SELECT count(*) FROM t WHERE x = -1")[0][0] == 1, "nothing was taken back"
    east.stop()


def promote_again(server: Server) -> None:
    """Its second promotion in a row, as of a server that followed the first one's."""
    server.stop()
    (server.data / "standby.signal").touch()
    server.start()
    promote(server)


@both_releases
def test_f41_commits_after_the_first_of_two_promotions_are_split_brain(
    hosts: Hosts, fault: Fault
) -> None:
    east, west = hosts.pair.east, hosts.pair.west
    time.sleep(1.2)  # west's first promotion is later than the copy that it came from
    fail_over(hosts)
    time.sleep(1.2)  # the history file bears whole seconds
    east.start()
    east.sql("INSERT INTO t VALUES (-1)")
    east.stop()
    promote_again(west)
    fault.injected("a commit after the first promotion since, and before the second")
    with pytest.raises(Refused, match=r"split brain: .* committed after") as refused:
        reinstate(hosts)
    fault.got(str(refused.value))
    assert "timeline 2 began at" in str(refused.value)
    east.start()
    assert east.sql("SELECT count(*) FROM t WHERE x = -1")[0][0] == 1, "nothing was taken back"
    east.stop()


@both_releases
def test_f41_commits_before_two_promotions_are_taken_back_where_that_is_known(
    hosts: Hosts, fault: Fault
) -> None:
    time.sleep(1.2)  # west's first promotion is later than the copy that it came from
    fail_over(hosts, lost_rows=2)
    west = hosts.pair.west
    promote_again(west)
    history = west.data / "pg_wal" / "00000002.history"
    history.rename(west.data / "aside")
    with pytest.raises(Refused, match="unknown when its timeline was left for timeline 2"):
        reinstate(hosts)
    (west.data / "aside").rename(history)
    (west.data / "backup_label.old").touch()
    with pytest.raises(Refused, match="unknown when its timeline was left for timeline 2") as told:
        reinstate(hosts)
    fault.injected("a history file that came with a copy of the source")
    fault.got(str(told.value))
    os.utime(west.data / "backup_label.old", (0, 0))
    assert reinstate(hosts).following
    is_the_same_on_both(hosts)


@both_releases
def test_f41_a_late_prepared_commit_is_seen_behind_a_thousand_others(
    hosts: Hosts, fault: Fault
) -> None:
    fail_over(hosts, lost_rows=TAIL_LISTED + 1)
    east = hosts.pair.east
    time.sleep(1.2)  # the history file bears whole seconds
    with (east.data / "postgresql.conf").open("a") as settings:
        settings.write("max_prepared_transactions=2\n")
    east.start()
    east.sql("BEGIN; INSERT INTO t VALUES (-5000); PREPARE TRANSACTION 'late'")
    east.sql("COMMIT PREPARED 'late'")
    east.stop()
    fault.injected(f"a prepared commit after the promotion, {TAIL_LISTED + 1} others before it")
    with pytest.raises(Refused, match=r"split brain.* last at") as refused:
        reinstate(hosts)
    fault.got(str(refused.value))


@pytest.mark.parametrize("verb", [Reinstate(), Reprotect()], ids=["reinstate", "reprotect"])
@both_releases
def test_f41_commits_after_the_promotion_stay_also_where_it_runs_as_a_standby(
    hosts: Hosts, fault: Fault, verb: Reinstate | Reprotect
) -> None:
    east = hosts.pair.east
    fail_over(hosts)
    time.sleep(1.2)  # the history file bears whole seconds
    east.start()
    east.sql("INSERT INTO t VALUES (-1)")
    east.stop()
    (east.data / "standby.signal").touch()
    east.start()
    assert east.sql("SELECT pg_is_in_recovery(), count(*) FROM t WHERE x = -1") == [(True, 1)]
    fault.injected("it took a commit after the promotion, and runs as a standby")
    connections = hosts.connections(start_command=start_command(hosts))
    facts = facts_of(hosts.inventory(), procedure=Procedure.REPROTECT)
    with pytest.raises(Refused, match="split brain") as refused:
        drive(verb, connections, facts, 40)
    connections.close()
    fault.got(str(refused.value))
    assert east.process is not None
    east.process.wait(timeout=30)
    east.start()
    assert east.sql("SELECT count(*) FROM t WHERE x = -1")[0][0] == 1, "nothing was taken back"


@both_releases
def test_a_demoted_primary_that_a_supervisor_started_again_follows_too(hosts: Hosts) -> None:
    east, west = hosts.pair.east, hosts.pair.west
    east.sql("CREATE TABLE t(x int)")
    connections = hosts.connections(start_command=start_command(hosts))
    facts = facts_of(hosts.inventory(), procedure=Procedure.SWITCHOVER)
    drive(Demote(), connections, facts)
    assert east.process is not None
    east.process.wait(timeout=30)
    east.start()
    promote(west)
    assert drive(Reprotect(), connections, facts, 40).following
    east.process.wait(timeout=30)
    connections.close()
    is_the_same_on_both(hosts)


def test_an_old_primary_that_runs_again_is_refused(hosts: Hosts) -> None:
    fail_over(hosts)
    hosts.pair.east.start()
    with pytest.raises(Refused, match="runs as a primary on timeline 1"):
        reinstate(hosts)
    hosts.pair.east.stop()


@both_releases
def test_both_promoted_is_refused(hosts: Hosts) -> None:
    fail_over(hosts)
    east = hosts.pair.east
    (east.data / "standby.signal").touch()
    east.start()
    east.sql("SELECT pg_promote(true)")
    east.sql("INSERT INTO t VALUES (-1)")
    east.sql("CHECKPOINT")
    east.stop()
    with pytest.raises(Refused, match="a timeline 2 of its own"):
        reinstate(hosts)


@both_releases
def test_a_fenced_primary_without_a_tail_only_follows(hosts: Hosts) -> None:
    east, west = hosts.pair.east, hosts.pair.west
    east.sql("CREATE TABLE t(x int)")
    hosts.pair.catch_up()
    connections = hosts.connections()
    drive(Fence(paths=("ssh",)), connections, facts_of(hosts.inventory()))
    connections.close()
    promote(west)
    seen = reinstate(hosts)
    assert seen.following
    assert not copied(hosts)
    assert kept(hosts) == []
    is_the_same_on_both(hosts)


def made_in_advance(server: Server) -> None:
    """Segments that hold nothing yet, as a checkpoint makes them; a directory has no order."""
    wal = server.data / "pg_wal"
    newest = max(path.name for path in wal.iterdir() if len(path.name) == 24)
    for number in range(1, 9):
        with (wal / f"{newest[:16]}{int(newest[16:], 16) + number:08X}").open("wb") as segment:
            segment.truncate(16 * 1024 * 1024)


@both_releases
@pytest.mark.parametrize("lost_rows", [0, 3])
def test_segments_that_were_made_in_advance_hide_nothing(hosts: Hosts, lost_rows: int) -> None:
    fail_over(hosts, lost_rows=lost_rows)
    connections = hosts.connections()
    drive(Fence(paths=("ssh",)), connections, facts_of(hosts.inventory()))
    made_in_advance(hosts.pair.east)
    assert "between 1 MB and 1 GB" in looked_through(hosts)
    look = Look(connections, facts_of(hosts.inventory(), procedure=Procedure.REPROTECT))
    seen = look_at_both(look)
    connections.close()
    assert seen.tail is not None
    assert (seen.tail.unreadable, seen.tail.commits) == (False, lost_rows)


def looked_through(hosts: Hosts) -> str:
    """What pg_waldump says that is not told where to begin."""
    data = hosts.pair.east.data
    words = [str(hosts.programs / "pg_waldump"), "-p", str(data / "pg_wal"), "-s", "0/3000028"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stderr


@both_releases
def test_a_fenced_primary_that_a_supervisor_started_again_follows_too(hosts: Hosts) -> None:
    east = hosts.pair.east
    fail_over(hosts, lost_rows=2)
    connections = hosts.connections()
    drive(Fence(paths=("ssh",)), connections, facts_of(hosts.inventory()))
    connections.close()
    east.start()
    seen = reinstate(hosts)
    assert east.process is not None
    east.process.wait(timeout=5)
    assert seen.following
    assert not copied(hosts)
    is_the_same_on_both(hosts)


@both_releases
def test_f30_f41_an_old_primary_that_died_as_a_standby_is_rewound(
    hosts: Hosts, fault: Fault
) -> None:
    east = hosts.pair.east
    fail_over(hosts, lost_rows=2)
    connections = hosts.connections()
    drive(Fence(paths=("ssh",)), connections, facts_of(hosts.inventory()))
    east.start()
    east.cut_power()
    state = connections.get(PostgresqlHostReader, EAST).state()
    connections.close()
    assert state.control is not None
    assert (state.running, state.control.state) == (False, IN_ARCHIVE_RECOVERY)
    fault.injected(f"started as a standby, and killed: {state}")
    shown: list[str] = []
    assert reinstate(hosts, shown).following
    assert not copied(hosts)
    fault.got(shown[0])
    is_the_same_on_both(hosts)


@both_releases
def test_f42_a_rewind_cut_off_in_the_middle_stays_down_and_is_rebuilt(
    hosts: Hosts, fault: Fault
) -> None:
    fail_over(hosts, lost_rows=3)
    east = hosts.pair.east
    bins = rewinding_by(
        hosts,
        f'case "$*" in *--dry-run*) exit 0 ;; esac; rm -f {east.data}/standby.signal; '
        "kill -9 $PPID",
    )
    changed = {"bin_directory": bins, "start_command": start_command(hosts)}
    connections = hosts.connections(**changed)
    facts = facts_of(hosts.inventory(**changed), procedure=Procedure.REPROTECT)
    with pytest.raises(DrtoolError):
        drive(Reinstate(method="rewind"), connections, facts, 3)
    state = connections.get(PostgresqlHostReader, EAST).state()
    assert state.held
    assert not state.running
    fault.injected("the rewind was killed in the middle")
    with pytest.raises((AssertionError, psycopg.Error)):
        east.start()
    connections.close()
    shown: list[str] = []
    seen = reinstate(hosts, shown)
    assert seen.following
    assert "half rewound, held back; to be copied, not rewound: a rewind" in shown[0]
    is_the_same_on_both(hosts)
    assert any(name.endswith("commits.txt") for name in kept(hosts))


@both_releases
def test_f43_a_gap_in_the_wal_leads_to_a_copy(hosts: Hosts, fault: Fault) -> None:
    fail_over(hosts, lost_rows=3)
    west = hosts.pair.west
    west.sql("ALTER SYSTEM SET wal_keep_size = 0")
    west.sql("SELECT pg_reload_conf()")
    for _ in range(4):
        west.sql("SELECT pg_switch_wal()")
        west.sql("INSERT INTO t SELECT generate_series(2000, 2100)")
        west.sql("CHECKPOINT")
    oldest = "SELECT min(substr(name, 9)) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'"
    assert str(west.sql(oldest)[0][0]) > "0000000000000003"
    fault.injected("the new primary no longer has the WAL that the old one needs")
    shown: list[str] = []
    seen = reinstate(hosts, shown)
    assert seen.following
    assert copied(hosts)
    assert "3 commits that only it has; to be copied, not rewound: it needs WAL from" in shown[0]
    fault.got(shown[0])
    is_the_same_on_both(hosts)


@both_releases
def test_a_server_that_no_rewind_can_read_is_copied_and_the_reason_told(hosts: Hosts) -> None:
    east = hosts.pair.east
    east.stop()
    east.tool("pg_checksums", "--disable", "-D", str(east.data))
    east.start()
    wait_until(lambda: east.sql("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"))
    fail_over(hosts, lost_rows=3)
    connections = hosts.connections(start_command=start_command(hosts))
    facts = facts_of(hosts.inventory(), procedure=Procedure.REPROTECT)
    with pytest.raises(Refused, match="neither data checksums nor wal_log_hints"):
        drive(Reinstate(method="rewind"), connections, facts)
    connections.close()
    shown: list[str] = []
    assert reinstate(hosts, shown).following
    assert copied(hosts)
    assert "to be copied, not rewound: it has neither data checksums nor wal_log_hints" in shown[0]
    is_the_same_on_both(hosts)


@both_releases
def test_what_a_rewind_said_is_told_before_the_copy_that_follows_it(hosts: Hosts) -> None:
    fail_over(hosts, lost_rows=3)
    said = "pg_rewind: error: could not find common ancestor of the timelines"
    bins = rewinding_by(hosts, f"echo '{said}' >&2; exit 1")
    shown: list[str] = []
    assert reinstate(hosts, shown, bin_directory=bins).following
    assert copied(hosts)
    assert "copied" not in shown[0]
    assert f"3 commits that only it has; to be copied, not rewound: {said}" in shown[1]
    is_the_same_on_both(hosts)


def test_l17_a_rewind_that_only_says_so_is_not_believed(hosts: Hosts, fault: Fault) -> None:
    fail_over(hosts, lost_rows=3)
    bins = rewinding_by(hosts, "echo 'pg_rewind: Done!' >&2; exit 0")
    changed = {"bin_directory": bins, "start_command": start_command(hosts)}
    connections = hosts.connections(**changed)
    facts = facts_of(hosts.inventory(**changed), procedure=Procedure.REPROTECT)
    with pytest.raises(DrtoolError, match="on timeline 1, not on 2"):
        Reinstate(method="rewind").apply(Hands(connections, facts), [])
    assert connections.get(PostgresqlHostReader, EAST).state().held
    fault.injected("pg_rewind said Done! and left timeline 1")
    seen = drive(Reinstate(), connections, facts, 40)
    connections.close()
    assert seen.following
    is_the_same_on_both(hosts)


def test_no_password_stands_in_a_command(hosts: Hosts) -> None:
    fail_over(hosts, lost_rows=1)
    assert hosts.pair.east.password
    reinstate(hosts)
    for host in hosts.hosts.values():
        assert all(hosts.pair.east.password not in command for command in host.said)
