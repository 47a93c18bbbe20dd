"""What the scripts on a host tell, read; and what they are told of the source."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from drtool.connections.postgresql_host import Source
from drtool.connections.postgresql_host.reader import script_argv
from drtool.connections.postgresql_host.report import read_report, read_tail
from drtool.connections.postgresql_host.source import pgpass_password
from drtool.errors import StepFailed
from drtool.model.inventory import Postgresql

REPORT = """\
directory /srv/pg
mode 700
process 10 1 S
process 11 10 T
hidden 77
manager patroni
postmaster 10
standby_signal drtool run x: fenced
control pg_control version number:            1300
control Database system identifier:           7412
control Database cluster state:               in production
control Latest checkpoint location:           0/3000148
control Latest checkpoint's REDO location:    0/3000110
control Latest checkpoint's TimeLineID:       2
control Minimum recovery ending location:     0/0
control Min recovery ending loc's timeline:   0
control Data page checksum version:           1
control wal_log_hints setting:                off
control Bytes per WAL segment:                16777216
end
"""


def test_a_report_is_read() -> None:
    seen = read_report("east.orders_db", "/srv/pg", REPORT)
    assert [process.pid for process in seen.processes] == [10, 11]
    assert seen.processes[1].state == "T"
    assert (seen.hidden, seen.manager, seen.postmaster) == ((77,), "patroni", 10)
    assert seen.note == "drtool run x: fenced"
    assert seen.control is not None
    assert seen.control.checkpoint == 0x3000148
    assert seen.control.checksums
    assert not seen.control.wal_log_hints
    assert seen.final_position is None


def test_a_control_file_that_cannot_be_read_is_told() -> None:
    text = "control pg_controldata: error: could not open file\nend\n"
    seen = read_report("east.orders_db", "/srv/pg", text)
    assert seen.control is None
    assert seen.control_trouble == "pg_controldata: error: could not open file"


def test_a_report_that_is_cut_short_is_not_believed() -> None:
    with pytest.raises(StepFailed, match="cut short"):
        read_report("east.orders_db", "/srv/pg", REPORT.removesuffix("end\n"))


def test_a_tail_is_read() -> None:
    text = (
        "clock 1000.5\nhistory 1\t0/3000060\tno recovery target specified\n"
        "commit 0/3000148 742 2026-11-23 05:14:01.123456\n"
        "records 3\ncommits 1\nlast 0/3000180\n"
        "said pg_waldump: error: error in WAL record at 0/3000180: invalid record length\nend\n"
    )
    tail = read_tail("east.orders_db", 1, 0x3000060, text, 1000.0)
    assert (tail.records, tail.commits, tail.end) == (3, 1, 0x3000180)
    assert tail.listed[0].transaction == "742"
    assert tail.listed[0].at.isoformat() == "2026-11-23T05:14:01.123456+00:00"
    assert tail.host_ahead_seconds == 0.5
    assert not tail.unreadable


WALDUMP = """\
cat <<'END'
rmgr: Transaction len (rec/tot):     34/    34, tx:        742, lsn: 0/03000148, prev 0/03000110, \
desc: COMMIT 2026-11-23 05:14:01.123456 UTC
rmgr: Transaction len (rec/tot):     46/    46, tx:        743, lsn: 0/03000170, prev 0/03000148, \
desc: COMMIT 2026-11-23 05:14:02.000000 UTC; subxacts: 744
rmgr: Transaction len (rec/tot):     66/    66, tx:          0, lsn: 0/030001A0, prev 0/03000170, \
desc: COMMIT_PREPARED 731: 2026-11-23 05:14:03.500000 UTC; inval msgs: catcache 50
END
"""


@pytest.mark.parametrize(
    ("most", "listed"),
    [("1", ["742", "731"]), ("2", ["742", "743", "731"]), ("3", ["742", "743", "731"])],
)
def test_a_tail_lists_the_first_commits_and_the_last(
    tmp_path: Path, most: str, listed: list[str]
) -> None:
    (tmp_path / "pg_waldump").write_text(f"#!/bin/sh\n{WALDUMP}")
    (tmp_path / "pg_waldump").chmod(0o755)
    system = Postgresql(
        kind="postgresql", host="east_db", data_directory="/srv/pg", bin_directory=str(tmp_path)
    )
    done = subprocess.run(
        script_argv("tail", system, "1", "0/3000110", most),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    tail = read_tail("east.orders_db", 1, 0x3000110, done.stdout, 1000.0)
    assert tail.commits == 3
    assert [commit.transaction for commit in tail.listed] == listed
    assert tail.listed[-1].at.isoformat() == "2026-11-23T05:14:03.500000+00:00"
    assert tail.listed[-1].position == 0x30001A0


@pytest.mark.parametrize(
    ("said", "unreadable"),
    [
        ("pg_waldump: error: could not find a valid record after 0/3000060", False),
        ('pg_waldump: error: could not find file "000000010000000000000003"', True),
        ("", True),
    ],
)
def test_no_records_and_no_wal_are_told_apart(said: str, *, unreadable: bool) -> None:
    text = f"clock 1\nrecords 0\ncommits 0\nlast \nsaid {said}\nend\n"
    assert read_tail("east.orders_db", 1, 1, text, 1.0).unreadable is unreadable


def test_quoting_of_what_the_source_is_called() -> None:
    source = Source(
        host="127.0.2.1", port=5432, sslmode="prefer", user="drtool", database="o'rders",
        replication_user="replicator", slot="drtool", name="east",
        password="a:b\\c", replication_password="it's",
    )  # fmt: skip
    assert pgpass_password(source.password) == "a\\:b\\\\c"
    assert "dbname='o\\'rders'" in source.for_rewind()
    assert "it" not in source.for_replication()
    settings = source.settings()
    assert "password=''it\\\\''s''" in settings
    assert settings.endswith("primary_slot_name = 'drtool'\n")
    assert "it's" not in repr(source)
