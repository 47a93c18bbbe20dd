"""Which servers a lab takes, what it writes down for them, and what it says of missing ones."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import pytest

from drtool.errors import BadInput
from drtool.lab.layout import Make, Ports
from drtool.lab.servers import dns, kinds, openssh, postgresql
from drtool.lab.servers.choice import choose
from drtool.lab.servers.dns import Bind, Knot
from drtool.lab.servers.embedded import OwnDns
from drtool.lab.servers.kinds import Absent, DnsPlace, SshPlace
from drtool.lab.servers.openssh import OpenSsh

PORTS = Ports(postgresql=1, ssh=2, dns=3, dns_beside=4, orders=5, power=6, prefect=7)
MAKE = Make("a server", "1.2", "/usr/sbin/served")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any server; programs put into the directory are found."""
    monkeypatch.setattr(kinds, "_PLACES", str(tmp_path))
    monkeypatch.setattr(postgresql, "_WHERE", ("nowhere/*/bin",))
    return tmp_path


def program(directory: Path, name: str, said: str = "") -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    made = directory / name
    made.write_text(f"#!/bin/sh\necho '{said}'\n")
    made.chmod(0o755)
    return made


def person(shell: str) -> pwd.struct_passwd:
    return pwd.struct_passwd(("ann", "x", 1, 1, "", "/home/ann", shell))


@pytest.mark.parametrize(
    ("user", "hint"),
    [
        (0, "apt-get install postgresql knot openssh-server"),
        (1, "sudo apt-get install postgresql knot openssh-server"),
    ],
)
def test_all_that_is_missing_is_named_at_once_with_what_to_type(
    bare: Path, monkeypatch: pytest.MonkeyPatch, user: int, hint: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(BadInput) as raised:
        choose("system")
    assert raised.value.exit_code == 2
    assert raised.value.line() == (
        "system servers: PostgreSQL is not installed (package postgresql);"
        " neither knot nor BIND is installed (package knot);"
        " sshd is not installed (package openssh-server)"
    )
    assert raised.value.hint == hint


def test_a_dns_server_that_was_asked_for_is_not_replaced(bare: Path) -> None:
    program(bare, "knotd", "knotd (Knot DNS), version 3.2.6")
    with pytest.raises(BadInput, match=r"BIND is not installed \(package bind9\)"):
        choose("system", "bind")
    program(bare, "named", "BIND 9.18.49-1~deb12u3-Debian")
    with pytest.raises(BadInput, match=r"named-compilezone .* \(package bind9-utils\)"):
        choose("system", "bind")
    program(bare, "named-compilezone")
    found = dns.find("bind")
    assert isinstance(found, Bind)
    assert str(found.make) == "BIND 9.18.49"
    assert isinstance(dns.find(), Knot), "knot, when it does not matter"


@pytest.mark.parametrize(
    ("choice", "wanted", "said"),
    [
        ("else", None, "--servers else: no such servers; expected embedded or system"),
        ("system", "nsd", "--dns nsd: no such server; expected knot or bind"),
        (None, "knot", "--dns knot: is a server of the machine's; expected --servers system"),
    ],
)
def test_a_choice_that_is_none_is_told(choice: str | None, wanted: str | None, said: str) -> None:
    with pytest.raises(BadInput) as raised:
        choose(choice, wanted)
    assert raised.value.line() == said


def test_the_embedded_servers_are_taken_unless_others_are_wanted() -> None:
    chosen = choose()
    assert chosen.makes.choice == "embedded"
    assert isinstance(chosen.dns, OwnDns)
    assert chosen.makes.postgresql.version.startswith("17")
    assert all(Path(make.path).exists() for make in (chosen.dns.make, chosen.ssh.make))


def test_the_newest_postgresql_is_taken(tmp_path: Path) -> None:
    assert isinstance(postgresql.find(tmp_path), Absent)
    for major in (9, 15, 17):
        said = f"postgres (PostgreSQL) {major}.4 (Debian {major}.4-1)"
        program(tmp_path / f"usr/lib/postgresql/{major}/bin", "postgres", said)
    found = postgresql.find(tmp_path)
    assert not isinstance(found, Absent)
    assert str(found.make) == "PostgreSQL 17.4"
    assert found.programs == tmp_path / "usr/lib/postgresql/17/bin"


def place(directory: Path) -> DnsPlace:
    (directory / "tsig").write_text("c2VjcmV0\n")
    return DnsPlace(
        zone="lab.test",
        zone_file=directory / "zone",
        address=("127.0.1.1", 5353),
        peer=("127.0.2.1", 5353),
        key_name="drtool",
        key_file=directory / "tsig",
        directory=directory / "dns",
    )


@pytest.mark.parametrize(
    ("server", "file"),
    [(Knot(MAKE), "knot.conf"), (Bind(MAKE, Path("/usr/bin/compile")), "named.conf")],
)
def test_a_dns_server_asks_its_peer_before_it_starts_and_keeps_its_secret_from_others(
    tmp_path: Path, server: Knot | Bind, file: str
) -> None:
    command = server.command(place(tmp_path))
    ours, theirs = command[: command.index("--")], command[command.index("--") + 1 :]
    assert ours[ours.index("--peer") + 1] == "127.0.2.1:5353"
    assert theirs[0] == MAKE.path
    written = tmp_path / "dns" / file
    assert theirs[-1] == str(written)
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert "c2VjcmV0" in written.read_text()
    assert "c2VjcmV0" not in " ".join(command)


def test_bind_has_an_address_that_loopback_bears() -> None:
    bind, knot = Bind(MAKE, Path("/usr/bin/compile")), Knot(MAKE)
    assert [bind.address(site, PORTS) for site in ("east", "west")] == [
        ("127.0.0.1", 3),
        ("127.0.0.1", 4),
    ]
    assert [knot.address(site, PORTS) for site in ("east", "west")] == [
        ("127.0.1.1", 3),
        ("127.0.2.1", 3),
    ]


@pytest.mark.parametrize(("user", "through"), [(0, "/bin/sh"), (1, MAKE.path)])
def test_sshd_of_root_gets_the_directory_that_it_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, through: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    command = OpenSsh(MAKE, "ann", pam=user == 0).command(
        SshPlace(
            address=("127.0.1.1", 2222),
            host_key=tmp_path / "key",
            authorized_keys=tmp_path / "allowed",
            directory=tmp_path,
            path="/lab/bin:/bin",
            mark=("MARK", "m1"),
        )
    )
    assert command[0] == through
    assert ("/run/sshd" in command) is (user == 0)
    written = (tmp_path / "sshd_config").read_text()
    assert "AllowUsers ann\n" in written
    assert f"UsePAM {'yes' if user == 0 else 'no'}\n" in written
    assert 'SetEnv PATH="/lab/bin:/bin" MARK="m1"' in written


@pytest.mark.parametrize("shell", ["/usr/sbin/nologin", "/bin/false"])
def test_who_cannot_log_in_is_told(bare: Path, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    program(bare, "sshd", "OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.19")
    monkeypatch.setattr(pwd, "getpwuid", lambda _: person(shell))
    found = openssh.find()
    assert str(found) == f"sshd lets only ann in, whose shell is {shell}"
    monkeypatch.setattr(pwd, "getpwuid", lambda _: person("/bin/sh"))
    made = openssh.find()
    assert isinstance(made, OpenSsh)
    assert (str(made.make), made.user) == ("OpenSSH 9.2p1", "ann")


def test_a_locked_password_is_known(tmp_path: Path) -> None:
    shadow = tmp_path / "shadow"
    shadow.write_text("root:!:1::\nann:$y$abc:1::\nsys:*:1::\n")
    locked = {user: openssh._locked(user, shadow) for user in ("root", "ann", "sys", "eve")}
    assert locked == {"root": True, "ann": False, "sys": False, "eve": False}
    assert not openssh._locked("root", tmp_path / "none")
