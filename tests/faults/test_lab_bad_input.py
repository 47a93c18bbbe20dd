"""What does not answer or turns us away: one line each with a hint, and nothing half-started."""

from __future__ import annotations

import base64
import secrets
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lab_runs import EAST, WEST, Document, Operator, PracticeLab, Typed, wait_until

from drtool.model.event import World
from drtool.model.purpose import Outcome

pytestmark = [pytest.mark.lab, pytest.mark.faults]
Change = Callable[[Document], None]


def one_line_with_a_hint(typed: Typed, *words: str) -> None:
    """One line that says what is, then one that says what to do."""
    lines = [line for line in typed.err.strip().splitlines() if not line.startswith("warning:")]
    assert len(lines) == 2, typed.said
    assert lines[1].startswith("  hint: "), typed.said
    for word in words:
        assert word in typed.err, typed.said


def host(document: Document, name: str) -> Document:
    found: Document = document["hosts"][name]
    return found


def system(document: Document, site: str) -> Document:
    found: Document = document["sites"][site]["systems"]["orders_db"]
    return found


def secret(lab: PracticeLab, value: str) -> str:
    """A reference to a secret that is not the right one."""
    path = lab.layout.secret(f"wrong-{secrets.token_hex(4)}")
    path.touch(mode=0o600)
    path.write_text(value, encoding="utf-8")
    return f"file:secrets/{path.name}"


def authority() -> str:
    """The certificate of an authority that signed nothing here."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "another authority")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, None)
    )
    return made.public_bytes(Encoding.PEM).decode()


def another_host_key() -> str:
    key = Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@dataclass(frozen=True)
class Wrong:
    """A fault of the inventory or of the world, and the words that must name it."""

    name: str
    change: Callable[[PracticeLab], Change]
    words: tuple[str, ...]
    code: int = 1
    procedure: tuple[str, ...] = ("switchover",)


def _ssh_port(lab: PracticeLab) -> Change:
    return lambda document: host(document, "east_db")["ssh"].update(port=1)


def _ssh_key(lab: PracticeLab) -> Change:
    return lambda document: host(document, "east_db")["ssh"].update(host_key=another_host_key())


def _ssh_user(lab: PracticeLab) -> Change:
    return lambda document: host(document, "east_db")["ssh"].update(user="stranger")


def _database_port(lab: PracticeLab) -> Change:
    return lambda document: system(document, WEST).update(port=1)


def _database_password(lab: PracticeLab) -> Change:
    reference = secret(lab, "not the password")
    return lambda document: system(document, WEST).update(password={"secret": reference})


def _database_user(lab: PracticeLab) -> Change:
    return lambda document: system(document, WEST).update(user="nobody_here")


def _database_name(lab: PracticeLab) -> Change:
    return lambda document: system(document, WEST).update(database="invoices")


def _dns_ports(lab: PracticeLab) -> Change:
    def change(document: Document) -> None:
        for server in document["dns"]["servers"].values():
            server["port"] = 1

    return change


def _tsig(lab: PracticeLab) -> Change:
    reference = secret(lab, base64.b64encode(secrets.token_bytes(32)).decode())
    return lambda document: document["dns"].update(key={"secret": reference})


def _tsig_name(lab: PracticeLab) -> Change:
    return lambda document: document["dns"].update(key_name="somebody_else")


def _no_secret_file(lab: PracticeLab) -> Change:
    return lambda document: system(document, WEST).update(
        password={"secret": "file:secrets/not_there"}
    )


def _power(lab: PracticeLab, **changed: object) -> Change:
    return lambda document: host(document, "west_db")["power"].update(changed)


def _power_port(lab: PracticeLab) -> Change:
    return _power(lab, redfish="https://127.0.2.1:1")


def _power_password(lab: PracticeLab) -> Change:
    return _power(lab, password={"secret": secret(lab, "not the password")})


def _power_certificate(lab: PracticeLab) -> Change:
    other = lab.layout.secret("other_ca.pem")
    other.write_text(authority(), encoding="utf-8")
    return _power(lab, ca_file=str(other))


def _power_system(lab: PracticeLab) -> Change:
    return _power(lab, system="7")


def asks_power(document: Document) -> None:
    """A failover that looks at the power of the candidate's machine first."""
    step = {"step": "powered", "check": "power.state", "at": "to.west_db", "state": "on"}
    document["procedures"]["failover"].insert(0, step)


FAILOVER = ("failover", "--from", EAST, "--to", WEST, "--outage-since", "1s")
WEST_DB, POWER = "postgresql west.orders_db", "power controller of west_db"
WRONG = [
    Wrong("ssh unreachable", _ssh_port, ("ssh host east_db", "does not answer", "drtool failover")),
    Wrong("ssh host key", _ssh_key, ("ssh host east_db", "SHA256:", "host_key:"), 2),
    Wrong("ssh user", _ssh_user, ("ssh host east_db", "turned us away"), 2),
    Wrong("postgresql unreachable", _database_port, (WEST_DB, "127.0.2.1:1"), 1, FAILOVER),
    Wrong("password", _database_password, (WEST_DB, "password"), 2, FAILOVER),
    Wrong("user", _database_user, (WEST_DB, "pg_hba.conf"), 2, FAILOVER),
    Wrong("database", _database_name, (WEST_DB, "invoices"), 2, FAILOVER),
    Wrong("secret file", _no_secret_file, ("not_there", "chmod 600"), 2, FAILOVER),
    Wrong("dns unreachable", _dns_ports, ("dns server ns_",)),
    Wrong("tsig key", _tsig, ("dns server ns_", "BADSIG"), 2, FAILOVER),
    Wrong("tsig key name", _tsig_name, ("dns server ns_", "somebody_else"), 2, FAILOVER),
    Wrong("power unreachable", _power_port, (POWER, "does not answer"), 1, FAILOVER),
    Wrong("power password", _power_password, (POWER, "password"), 2, FAILOVER),
    Wrong("power certificate", _power_certificate, (POWER, "certificate", "ca_file"), 2, FAILOVER),
    Wrong("power system", _power_system, (POWER, "knows no", "power.system"), 1, FAILOVER),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_what_is_needed_and_wrong_is_named_before_anything_starts(
    lab: PracticeLab, operator: Operator, wrong: Wrong
) -> None:
    procedure, *words = wrong.procedure
    inventory = lab.inventory(wrong.change(lab))
    runbook = lab.runbook(asks_power) if wrong.name.startswith("power") else None
    typed = operator.type(*operator.words(procedure, *words, inventory=inventory, runbook=runbook))
    assert typed.code == wrong.code, typed.said
    one_line_with_a_hint(typed, *wrong.words)
    assert operator.runs() == []
    assert lab.whole


def test_dns_servers_that_are_all_down_are_told_and_keep_no_failover_from_starting(
    lab: PracticeLab, operator: Operator
) -> None:
    procedure, *words = FAILOVER
    inventory = lab.inventory(_dns_ports(lab))
    typed = operator.type(*operator.words(procedure, *words, inventory=inventory))
    assert typed.code == 0, typed.said
    assert [line for line in typed.err.splitlines() if "dns server ns_" in line]
    run = operator.runs()[0].run
    operator.wait_for_consent(run)
    operator.type("deny", run, "consent")
    ran = operator.follow(run, consent=False)
    assert (ran.code, ran.report.world) == (4, World.UNTOUCHED)
    assert lab.whole


def in_sync_of(table: str) -> Change:
    def change(document: Document) -> None:
        step = {"step": "same_rows", "check": "postgresql.in_sync", "at": "to", "tables": [table]}
        document["procedures"]["switchover"].insert(0, {**step, "deadline": "2s"})

    return change


def test_a_missing_table_is_named_and_nothing_is_touched(
    lab: PracticeLab, operator: Operator
) -> None:
    ran = operator.carry("switchover", runbook=lab.runbook(in_sync_of("invoices")))
    assert (ran.code, ran.report.world) == (1, World.UNTOUCHED)
    assert 'relation "invoices" does not exist' in ran.said
    assert "check the name" in ran.said
    assert lab.whole


def as_orders_at_west(lab: PracticeLab) -> Change:
    """West reached as the service's own user, who may do nothing that pg_rewind needs."""
    reference = {"secret": "file:secrets/orders.password"}
    return lambda document: system(document, WEST).update(user="orders", password=reference)


def test_what_a_reprotect_lacks_is_named(spoiled_lab: PracticeLab, operator: Operator) -> None:
    lab = spoiled_lab
    hints_off(lab)
    lab.place_orders(EAST)
    lab.write_alone(EAST)
    lab.cut_power(EAST)
    assert operator.fail_over().code in {0, 6}
    lab.power_back(EAST)
    words = ("--from", EAST, "--to", WEST)

    lab.sql(WEST, "grant pg_monitor to orders; grant usage on schema drtool to orders")
    lab.sql(WEST, "grant select on all tables in schema drtool to orders")
    rights = operator.carry("reprotect", *words, inventory=lab.inventory(as_orders_at_west(lab)))
    assert rights.report.outcome in {Outcome.REFUSED, Outcome.FAILED}
    assert "pg_read_binary_file" in rights.said
    assert "GRANT EXECUTE" in rights.said

    lab.sql(WEST, "alter role replicator nologin")
    role = operator.carry("reprotect", *words)
    assert (role.code, role.report.outcome) == (3, Outcome.REFUSED)
    assert "ALTER ROLE replicator LOGIN" in role.said
    lab.sql(WEST, "alter role replicator login")

    hints = operator.carry("reprotect", *words, runbook=lab.runbook(only_rewind))
    assert hints.report.outcome is Outcome.REFUSED
    assert "wal_log_hints" in hints.said
    assert "method: rebuild" in hints.said

    copied = operator.carry("reprotect", *words)
    assert copied.report.outcome is Outcome.SUCCEEDED, copied.said
    assert "east streaming" in lab.site(WEST).postgresql.followed_by


def only_rewind(document: Document) -> None:
    short = {"method": "rewind", "budget": "1s", "deadline": "4s"}
    document["procedures"]["reprotect"][0] |= short


def hints_off(lab: PracticeLab) -> None:
    """Both servers without data checksums and without wal_log_hints, as old clusters are."""
    for site in (WEST, EAST):
        lab.service(site, "stop", "postgresql")
        paths = lab.layout.site(site)
        settings = paths.root / "postgresql.conf"
        settings.write_text(settings.read_text().replace("wal_log_hints = on", ""))
        done = subprocess.run(
            [paths.bin / "pg_checksums", "--disable", "-D", paths.data],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    lab.layout.site(EAST).release.touch()
    for site in (EAST, WEST):
        lab.service(site, "start", "postgresql")
    for name in ("wal_log_hints", "data_checksums"):
        assert lab.sql(EAST, f"show {name}") == [("off",)]
    wait_until(lambda: "west streaming" in lab.site(EAST).postgresql.followed_by)
