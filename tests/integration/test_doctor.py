"""The doctor at real servers: what it says of a fit lab, and of one unfit thing after the other."""

from __future__ import annotations

import base64
import re
import secrets
import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lab_runs import EAST, ROOT, RUNBOOK, WEST, Document, Operator, PracticeLab, wait_until
from prefect_server import PrefectServer

from drtool.lab.processes import process
from drtool.verbs.doctor.finding import Area, Diagnosis, Finding, State

pytestmark = pytest.mark.lab
Change = Callable[[Document], None]
# What is the machine's own, and not the lab's.
_OURS = {Area.CLOCKS, Area.PREFECT, Area.JOURNAL}


def examine(
    operator: Operator, inventory: Path | None = None, variables: dict[str, str] | None = None
) -> Diagnosis:
    """What ``drtool doctor RUNBOOK`` finds; its exit code says whether there is a problem."""
    words = ("--inventory", inventory or operator.lab.inventory(), "--json")
    typed = operator.type("doctor", RUNBOOK, *words, **(variables or {}))
    found = Diagnosis.model_validate_json(typed.out)
    assert typed.code == found.exit_code, typed.said
    return found


def unfit(found: Diagnosis) -> list[Finding]:
    """The lab's warnings and problems."""
    return [one for one in found.findings if one.state is not State.OK and one.area not in _OURS]


def only(found: Diagnosis) -> Finding:
    told = unfit(found)
    assert len(told) == 1, "\n".join(f"{one.subject}: {one.found}" for one in told)
    return told[0]


def problems(found: Diagnosis, area: Area) -> list[Finding]:
    return [one for one in found.findings if one.area is area and one.state is State.PROBLEM]


def test_a_fit_lab_is_well_in_every_area_and_is_left_as_it_was(
    lab: PracticeLab, operator: Operator
) -> None:
    before = lab.world()
    found = examine(operator)
    assert not unfit(found)
    # nobody has a key there
    assert {one.area for one in found.findings} == set(Area) - {Area.PEOPLE}
    assert found.exit_code == 0
    texts = [f"{one.subject}: {one.found}" for one in found.findings]
    for said in (
        "host east_db: lets us in",
        "certificate until",
        "east.orders_db: ",
        "primary on timeline 1, heartbeat",
        "standby on timeline 1",
        "ns_east: serial",
        "orders.lab.test: 127.0.1.1 at ns_east, ns_west, kept for 1s",
        "service orders: answers at 127.0.1.1",
        "lease of orders: free at east.orders_db and west.orders_db",
    ):
        assert any(said in text for text in texts), said
    assert {str(one.procedure.value) for one in found.limits} == {
        "failover", "switchover", "reprotect", "failback",
    }  # fmt: skip
    assert lab.world() == before
    assert operator.runs() == []
    assert lab.whole


def test_an_inventory_alone_and_plain_lines(lab: PracticeLab, operator: Operator) -> None:
    typed = operator.type("doctor", "--inventory", lab.inventory())
    assert typed.code == 0, typed.said
    lines = typed.out.splitlines()
    assert [line for line in lines if line.startswith("  ✔ server ns_west: serial")]
    assert "✘" not in typed.out
    assert " well   looked for " in lines[-1]
    assert not [line for line in lines if line != line.rstrip()]


@dataclass(frozen=True)
class Wrong:
    """A fault of the inventory, and what must be told of it."""

    name: str
    change: Callable[[PracticeLab], Change]
    area: Area
    found: str
    cure: str


def _system(document: Document, site: str) -> Document:
    found: Document = document["sites"][site]["systems"]["orders_db"]
    return found


def _secret(lab: PracticeLab, value: str, mode: int = 0o600) -> Document:
    path = lab.layout.secret(f"wrong-{secrets.token_hex(4)}")
    path.touch(mode=0o600)
    path.write_text(value, encoding="utf-8")
    path.chmod(mode)
    return {"secret": f"file:secrets/{path.name}"}


def _host_key(lab: PracticeLab) -> Change:
    key = Ed25519PrivateKey.generate().public_key()
    text = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return lambda document: document["hosts"]["east_db"]["ssh"].update(host_key=text)


def _password(lab: PracticeLab) -> Change:
    wrong = _secret(lab, "not the password")
    return lambda document: _system(document, WEST).update(password=wrong)


def _tsig(lab: PracticeLab) -> Change:
    wrong = _secret(lab, base64.b64encode(secrets.token_bytes(32)).decode())
    return lambda document: document["dns"].update(key=wrong)


def _open_secret(lab: PracticeLab) -> Change:
    password = lab.password("drtool")
    open_to_others = _secret(lab, password, 0o644)
    return lambda document: _system(document, WEST).update(password=open_to_others)


def _both_identities(document: Document) -> None:
    for site in (EAST, WEST):
        _system(document, site).pop("system_identifier")


def _closed_dns(document: Document) -> None:
    document["dns"]["servers"]["ns_west"]["port"] = 1


WRONG = [
    Wrong("host key", _host_key, Area.HOSTS, "shows the host key SHA256:",
          'write host_key: "ssh-'),
    Wrong("ssh port", lambda _: lambda d: d["hosts"]["east_db"]["ssh"].update(port=1), Area.HOSTS,
          "does not answer", "try: ssh -p 1 "),
    Wrong("password", _password, Area.POSTGRESQL, "password refused", "try: psql -h 127.0.2.1"),
    Wrong("database port", lambda _: lambda d: _system(d, WEST).update(port=1), Area.POSTGRESQL,
          "nothing listens at 127.0.2.1:1", "on west_db: "),
    Wrong("secret", lambda _: lambda d: _system(d, WEST).update(password={"secret": "env:NOPE"}),
          Area.SECRETS, "the variable is not set", "export NOPE="),
    Wrong("open secret", _open_secret, Area.DOCUMENTS, "its mode is 0644", "chmod 600 "),
    Wrong("tsig secret", _tsig, Area.DNS, "(BADSIG)", "compare what dns.key refers to"),
    Wrong("tsig name", lambda _: lambda d: d["dns"].update(key_name="nobody"), Area.DNS,
          "(BADKEY)", "compare dns.key_name"),
    Wrong("dns port", lambda _: _closed_dns, Area.DNS, "nothing listens", "dig @127.0.2.1 -p 1"),
    Wrong("dns ttl", lambda _: lambda d: d["dns"].update(ttl="500ms"), Area.DNS, "its TTL is 1s",
          "dns.lower_ttl"),
    Wrong("power user", lambda _: lambda d: d["hosts"]["east_db"]["power"].update(user="who"),
          Area.POWER, "denies our user or password", "try: curl -u who https://127.0.1.1:"),
    Wrong("authority", lambda _: lambda d: d["hosts"]["west_db"]["power"].pop("ca_file"),
          Area.POWER, "its certificate is not believed", "power.ca_file"),
    Wrong("data directory", lambda _: lambda d: _system(d, WEST).update(data_directory="/nope"),
          Area.POSTGRESQL, "/nope is not there", "correct data_directory"),
    Wrong("lease", lambda _: lambda d: d["services"]["orders"].update(lease={"at": "journal"}),
          Area.SERVICES, "a second machine could act", "lease: {at: postgresql}"),
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_what_is_wrong_in_the_inventory_is_told_once_with_its_cure(
    lab: PracticeLab, operator: Operator, wrong: Wrong
) -> None:
    found = examine(operator, lab.inventory(wrong.change(lab)))
    told = only(found)
    assert told.area is wrong.area
    assert wrong.found in f"{told.subject}: {told.found}"
    assert wrong.cure in told.cure
    assert lab.whole


def test_an_identity_that_is_not_written_is_told_to_be_written(
    lab: PracticeLab, operator: Operator
) -> None:
    told = only(examine(operator, lab.inventory(_both_identities)))
    identity = lab.sql(EAST, "select system_identifier::text from pg_control_system()")[0][0]
    assert told.subject == "east.orders_db and west.orders_db"
    assert f'system_identifier: "{identity}"' in told.cure


def test_with_the_primary_site_dead_there_is_one_problem_and_it_names_the_failover(
    spoiled_lab: PracticeLab, operator: Operator
) -> None:
    inventory = spoiled_lab.inventory()
    spoiled_lab.cut_power(EAST)
    told = only(examine(operator))
    assert (told.area, told.subject) == (Area.HOSTS, "host east_db")
    for door in ("SSH on port", "PostgreSQL east.orders_db", "DNS ns_east", "service orders"):
        assert door in told.found
    assert told.cure == (
        f"bring it up; if site east is lost: drtool failover {RUNBOOK} --inventory {inventory}"
        " --from east"
    )


def test_with_the_standby_site_dead_nothing_is_said_of_what_follows_from_it(
    spoiled_lab: PracticeLab, operator: Operator
) -> None:
    spoiled_lab.cut_power(WEST)
    told = only(examine(operator))
    assert told.subject == "host west_db"
    assert "drtool reprotect" in told.cure


def test_after_a_failover_the_service_is_well_and_the_lost_site_is_not(
    spoiled_lab: PracticeLab, operator: Operator
) -> None:
    spoiled_lab.cut_power(EAST)
    assert operator.fail_over().code == 0
    told = only(examine(operator))
    assert told.subject == "host east_db"
    assert f"drtool reprotect {RUNBOOK}" in told.cure


def test_a_slow_login_shell_is_told_apart_from_the_network(
    lab: PracticeLab, operator: Operator
) -> None:
    slow = lab.layout.site(EAST).bin / "sh"
    slow.write_text('#!/bin/sh\nsleep 0.7\nexec /bin/sh "$@"\n', encoding="utf-8")
    slow.chmod(0o755)
    try:
        told = only(examine(operator))
    finally:
        slow.unlink()
    assert (told.area, told.subject, told.state) == (Area.HOSTS, "host east_db", State.WARNING)
    assert "its login shell makes every command" in told.found
    assert "the profile of operator" in told.cure


def test_a_standby_server_that_is_down_is_started_by_the_cure(
    spoiled_lab: PracticeLab, operator: Operator
) -> None:
    spoiled_lab.service(WEST, "stop", "postgresql")
    told = only(examine(operator))
    assert told.subject == "postgresql west.orders_db"
    assert told.cure.startswith("on west_db: ")
    assert told.cure.endswith("postgres-start")


def test_replay_that_is_paused_is_resumed_by_the_cure(lab: PracticeLab, operator: Operator) -> None:
    lab.sql(WEST, "select pg_wal_replay_pause()")
    wait_until(lambda: lab.sql(WEST, "select pg_get_wal_replay_pause_state() = 'paused'")[0][0])
    told = only(examine(operator))
    lab.sql(WEST, told.cure)
    assert (told.subject, told.found) == ("west.orders_db", "replay is paused")
    assert not unfit(examine(operator))


def test_a_primary_that_waits_for_nobody_is_freed_by_the_cure(
    lab: PracticeLab, operator: Operator
) -> None:
    lab.sql(EAST, "alter system set synchronous_standby_names = 'north'")
    lab.sql(EAST, "select pg_reload_conf()")
    wait_until(lambda: lab.sql(EAST, "show synchronous_standby_names")[0][0] == "north")
    told = [one for one in unfit(examine(operator)) if "waits at each commit" in one.found]
    assert len(told) == 1
    for statement in told[0].cure.partition("or ")[2].split("; "):
        lab.sql(EAST, statement)
    wait_until(lambda: lab.sql(EAST, "show synchronous_standby_names")[0][0] == "")
    lab.sql(EAST, "alter system reset synchronous_standby_names")
    wait_until(lambda: not unfit(examine(operator)))


def test_a_slot_that_nobody_uses_is_dropped_by_the_cure(
    lab: PracticeLab, operator: Operator
) -> None:
    lab.sql(EAST, "select pg_create_physical_replication_slot('forgotten', true)")
    told = only(examine(operator))
    assert told.state is State.WARNING
    lab.sql(EAST, told.cure.partition("or ")[2])
    assert not unfit(examine(operator))


def test_a_user_without_rights_gets_them_by_the_cure(
    spoiled_lab: PracticeLab, operator: Operator
) -> None:
    lab = spoiled_lab

    def plain_user(document: Document) -> None:
        for site in (EAST, WEST):
            _system(document, site).update(
                user="orders", password={"secret": "file:secrets/orders.password"}
            )

    inventory = lab.inventory(plain_user)
    told = problems(examine(operator, inventory), Area.POSTGRESQL)
    assert {one.subject for one in told} == {
        f"postgresql {site}.orders_db" for site in (EAST, WEST)
    }
    assert all("user orders lacks pg_promote" in one.found for one in told)
    for statement in told[0].cure.partition("; try:")[0].split("; "):
        lab.sql(EAST, statement)
    lab.caught_up(EAST)
    assert not unfit(examine(operator, inventory))


@contextmanager
def stopped(pid: int | None) -> Iterator[None]:
    found = process(pid or 0)
    assert found is not None
    found.send(signal.SIGSTOP)
    try:
        yield
    finally:
        found.send(signal.SIGCONT)


def test_heartbeats_that_stopped_are_told_with_the_command_that_writes_them(
    lab: PracticeLab, operator: Operator
) -> None:
    inventory = lab.inventory()
    with stopped(lab.seen().heartbeat_pid):
        old = "update drtool.heartbeat set written_at = written_at - interval '90 s'"
        lab.sql(EAST, old)
        lab.caught_up(EAST)
        told = only(examine(operator))
    assert "its newest heartbeat is 1 min 3" in told.found
    assert told.cure == f"run as a service: drtool heartbeat {inventory} orders"
    fresh = "select clock_timestamp() - written_at < interval '2 s' from drtool.heartbeat"
    wait_until(lambda: lab.sql(EAST, fresh)[0][0])


def test_who_holds_the_lease_is_named_with_the_run(lab: PracticeLab, operator: Operator) -> None:
    run = operator.start("failover", "--from", EAST, "--to", WEST, "--outage-since", "1s")
    operator.wait_for_consent(run)
    told = only(examine(operator))
    operator.type("deny", run, "consent")
    operator.follow(run, consent=False)
    assert told.area is Area.SERVICES
    assert "at west.orders_db" in told.found
    assert told.cure.startswith(f"drtool attach {run}")


def test_a_frozen_site_is_silent_and_nobody_waits_for_it_long(
    spoiled_lab: PracticeLab, operator: Operator
) -> None:
    for name in ("postgresql", "ssh", "dns", "orders"):
        spoiled_lab.frozen(WEST, name).send(signal.SIGSTOP)
    told = [one for one in unfit(examine(operator)) if one.area is Area.HOSTS]
    for name in ("postgresql", "ssh", "dns", "orders"):
        spoiled_lab.frozen(WEST, name).send(signal.SIGCONT)
    assert [one.subject for one in told] == ["host west_db"]


def prefect_of(found: Diagnosis) -> Finding:
    return next(one for one in found.findings if one.area is Area.PREFECT)


def test_prefect_that_answers_hangs_and_is_gone(
    lab: PracticeLab, operator: Operator, prefect_server: PrefectServer
) -> None:
    api = prefect_server.api

    def seen(url: str = api.url, auth: str = api.auth) -> Finding:
        told = {"PREFECT_API_URL": url, "PREFECT_API_AUTH_STRING": auth}
        found = examine(operator, variables=told)
        # a busy machine may have others
        assert found.exit_code == any(one.state is State.PROBLEM for one in found.findings)
        return prefect_of(found)

    assert "answers in" in seen().found
    assert seen(auth="x:y").cure == "check PREFECT_API_AUTH_STRING or PREFECT_API_KEY"
    prefect_server.hang()
    hung = seen()
    prefect_server.go_on()
    assert hung.found == "no answer within 2 s; steps would run directly"
    assert "drtool server start" in hung.cure
    gone = seen("http://127.0.0.1:1/api")
    assert "refused" in gone.found
    assert gone.state is State.PROBLEM


HOW_TO = ROOT / "docs" / "how-to" / "check-readiness.md"
COMMANDS = re.findall(r"^\$ (drtool doctor.*)$", HOW_TO.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_how_tos_commands_find_a_fit_lab_well(
    lab: PracticeLab, operator: Operator, command: str
) -> None:
    typed = command.partition(" > ")[0].replace("$LAB_INVENTORY", str(lab.inventory()))
    answer = operator.type(*shlex.split(typed)[1:])
    assert answer.code == 0, answer.said
