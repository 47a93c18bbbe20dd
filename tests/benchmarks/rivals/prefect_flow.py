"""The same as a Prefect flow of an afternoon: a task for each line of the script."""

from __future__ import annotations

import os
import re
import subprocess
import time

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

SOURCE, TARGET, DATA = os.environ["FROM"], os.environ["TO"], os.environ["FROM_DATA"]


def on_source(command: str) -> str:
    socket = os.environ["FROM_SOCKET"]
    return output(["ssh", "-S", socket, "-o", "BatchMode=yes", "warm", command])


def sql(query: str) -> str:
    port = os.environ["PG_PORT"]
    where = f"host={TARGET} port={port} user=drtool dbname=orders sslmode=disable"
    return output(["psql", "-XAtq", where, "-c", query])


def output(command: list[str], given: str | None = None) -> str:
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout.strip()


@task(cache_policy=NO_CACHE)
def stop() -> str:
    on_source(f"pg_ctl -D '{DATA}' stop -m fast")
    control = on_source(f"pg_controldata '{DATA}'")
    found = re.search(r"^Latest checkpoint location: *(\S+)", control, re.MULTILINE)
    assert found is not None
    return found[1]


@task(cache_policy=NO_CACHE)
def replayed(end: str) -> None:
    while sql(f"select pg_last_wal_replay_lsn() > '{end}'") != "t":
        time.sleep(0.1)


@task(cache_policy=NO_CACHE)
def promote() -> None:
    assert sql("select pg_promote(true)") == "t"


@task(cache_policy=NO_CACHE)
def change_the_name(server: str) -> None:
    name = os.environ["NAME"]
    lines = (
        f"server {server} {os.environ['DNS_PORT']}",
        "zone lab.test",
        f"prereq yxrrset {name} A {SOURCE}",
        f"update delete {name} A",
        f"update add {name} 1 A {TARGET}",
        "send",
    )
    output(["nsupdate", "-k", os.environ["TSIG"]], "\n".join(lines) + "\n")


@task(cache_policy=NO_CACHE)
def write() -> None:
    sql("insert into bench (wrote) values ('prefect')")


@flow
def switchover() -> None:
    replayed(stop())
    promote()
    for server in (SOURCE, TARGET):
        change_the_name(server)
    write()


if __name__ == "__main__":
    switchover()
    os._exit(0)
