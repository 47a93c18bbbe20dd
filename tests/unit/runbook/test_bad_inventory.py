"""The inventory rows of the bad-input list: each gives its place, its reason and its fix."""

# ruff: noqa: E501, ISC004 - messages stand as they are told

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from good_documents import EAST_KEY, WEST_KEY, Change, Lint, Load

REF = '{secret: "env:NAME"}, {secret: "file:PATH"} or {secret: "command:PROGRAM"}'
CUT = EAST_KEY[:-4]


class Row(NamedTuple):
    """Changes to the good inventory, and what is told of them."""

    changes: list[Change]
    told: list[str]


ROWS: dict[str, Row] = {
    "missing host": Row(
        [("host: east_db", "host: east_dbs")],
        [
            (
                "12:43: site east, system orders_db: host east_dbs is not under hosts\n"
                "  hint: did you mean east_db?"
            )
        ],
    ),
    "the same host in both roles": Row(
        [("host: west_db", "host: east_db")],
        [
            (
                "17:43: site west, system orders_db: host east_db is east.orders_db's too\n"
                "  hint: a host cannot be both the one that is fenced and the one that takes over"
            )
        ],
    ),
    "the same machine under two names": Row(
        [("ssh: {address: 192.0.2.2", "ssh: {address: 192.0.2.1")],
        [
            (
                "24:20: host west_db: ssh reaches the same machine as host east_db\n"
                "  hint: each host is a machine of its own"
            )
        ],
    ),
    "the same power socket": Row(
        [
            (
                "  west_db:\n",
                (
                    '  west_db:\n    power: {redfish: "https://192.0.2.101", system: "1",'
                    ' password: {secret: "env:BMC"}}\n'
                ),
            )
        ],
        [
            (
                "24:22: host west_db: power switches the same machine as host east_db\n"
                "  hint: each host is a machine of its own"
            )
        ],
    ),
    "sites at one address": Row(
        [("  west:\n    address: 192.0.2.2", "  west:\n    address: 192.0.2.1")],
        [
            (
                "15:14: site west: address 192.0.2.1 is site east's too\n"
                "  hint: clients could not be moved"
            )
        ],
    ),
    "wrong system identity": Row(
        [('"7412", fence: [ssh]', '"7413", fence: [ssh]')],
        [
            (
                "18:38: site west, system orders_db: system_identifier 7413 differs from 7412 at east\n"
                "  hint: a standby has the identifier of its primary: pg_controldata shows it"
            )
        ],
    ),
    "shared system identity": Row(
        [("orders_db: {kind: postgresql, host: west", "other_db: {kind: postgresql, host: west")],
        [
            (
                "18:38: site west, system other_db: system_identifier 7412 is that of east.orders_db "
                "too\n  hint: two servers that do not replicate each other cannot share it"
            )
        ],
    ),
    "identity without quotes": Row(
        [('"7412", fence: [ssh]', "7412, fence: [ssh]")],
        [
            "18:38: site west, system orders_db: system_identifier is 7412, expected text\n"
            '  hint: quote it: "7412"'
        ],
    ),
    "weak TSIG algorithm": Row(
        [("zone: test", "zone: test\n  algorithm: hmac-md5")],
        [
            (
                "27:14: dns: algorithm is 'hmac-md5', expected hmac-sha256, hmac-sha384 or "
                "hmac-sha512\n"
                "  hint: hmac-md5 is too weak; make a new key, as with tsig-keygen -a hmac-sha256"
            )
        ],
    ),
    "bad base64": Row(
        [(EAST_KEY, EAST_KEY[:-1] + "!")],
        [
            (
                "21:57: host east_db: host_key is not base64\n"
                "  hint: copy it from ssh-keyscan or from the host"
            )
        ],
    ),
    "host key that was cut": Row(
        [(EAST_KEY, CUT)],
        [
            (
                "21:57: host east_db: host_key is cut short\n"
                "  hint: copy it from ssh-keyscan or from the host"
            )
        ],
    ),
    "host key of another kind": Row(
        [(EAST_KEY, EAST_KEY.replace("ssh-ed25519", "ssh-rsa"))],
        [
            (
                "21:57: host east_db: host_key is not a key of the kind ssh-rsa\n"
                "  hint: copy it from ssh-keyscan or from the host"
            )
        ],
    ),
    "host key of an unknown kind": Row(
        [(EAST_KEY, EAST_KEY.replace("ssh-ed25519", "ssh-dss"))],
        [
            (
                "21:57: host east_db: host_key is not a host key\n"
                "  hint: as ssh-keyscan prints it: ssh-ed25519 AAAA..."
            )
        ],
    ),
    "password in clear": Row(
        [('{secret: "env:BMC"}', "hunter2")],
        [f"22:68: host east_db: password is a secret in clear\n  hint: {REF}"],
    ),
    "password in clear under secret": Row(
        [('{secret: "env:BMC"}', "{secret: hunter2}")],
        [f"22:77: host east_db: password is a secret in clear\n  hint: {REF}"],
    ),
    "password in a URL": Row(
        [("https://192.0.2.101", "https://me:hunter2@192.0.2.101")],
        [f"22:22: host east_db: redfish is a URL with a password in clear\n  hint: {REF}"],
    ),
    "TSIG key in clear": Row(
        [('key: {secret: "file:tsig"}', "key: c2VjcmV0")],
        [f"27:8: dns: key is a secret in clear\n  hint: {REF}"],
    ),
    "on for a flag": Row(
        [("boot_guard: true", "boot_guard: on")],
        [
            (
                "12:89: site east, system orders_db: boot_guard is 'on', expected true or false\n"
                "  hint: write true"
            )
        ],
    ),
    "fence by power without power": Row(
        [("fence: [ssh]", "fence: [ssh, power]")],
        [
            (
                "18:59: site west, system orders_db: fence by power, and host west_db has no power\n"
                "  hint: add power to the host, or take it from the fence"
            )
        ],
    ),
    "unknown fence path": Row(
        [("fence: [ssh]", "fence: [ssh, powr]")],
        [
            (
                "18:59: site west, system orders_db: an item of fence is 'powr', expected ssh or power\n"
                "  hint: did you mean power?"
            )
        ],
    ),
    "no fence path": Row(
        [("fence: [ssh]", "fence: []")],
        ["18:53: site west, system orders_db: fence is an empty list\n  hint: fence: [ssh, power]"],
    ),
    "unknown preferred site": Row(
        [("preferred: east", "preferred: eats")],
        ["6:16: service orders: unknown site eats\n  hint: did you mean east?"],
    ),
    "option for an address": Row(
        [("user: postgres", 'user: "-oProxyCommand=x"')],
        [
            (
                "21:37: host east_db: user '-oProxyCommand=x' starts with a dash and could be taken "
                "for an option"
            )
        ],
    ),
    "unknown key": Row(
        [("kind: postgresql, host: west_db", "kind: postgresql, hots: west_db")],
        [
            "17:18: site west, system orders_db: host is missing",
            "17:37: site west, system orders_db: unknown key hots\n  hint: did you mean host?",
        ],
    ),
    "system without a kind": Row(
        [("kind: postgresql, host: west_db", "host: west_db")],
        ["17:18: site west, system orders_db: kind is missing"],
    ),
    "unknown kind of system": Row(
        [("kind: postgresql, host: west_db", "kind: postgres, host: west_db")],
        [
            (
                "17:25: site west, system orders_db: kind is 'postgres', expected postgresql, "
                "patroni or pgbouncer\n  hint: did you mean postgresql?"
            )
        ],
    ),
    "more servers than there are": Row(
        [("zone: test", "zone: test\n  min_servers: 2")],
        ["27:16: dns: min_servers is 2, and there are 1"],
    ),
    "site at an IPv6 address, and at a name": Row(
        [
            ("address: 192.0.2.1\n", 'address: "2001:db8::10"\n'),
            ("address: 192.0.2.2\n", "address: west.test\n"),
        ],
        [
            "10:14: site east: address '2001:db8::10' is no IPv4 address\n  hint: an endpoint points there, and drtool writes A records, as 192.0.2.1",
            "15:14: site west: address 'west.test' is no IPv4 address\n  hint: an endpoint points there, and drtool writes A records, as 192.0.2.1",
        ],
    ),
    "endpoint outside the zone": Row(
        [("zone: test", "zone: lab.example")],
        ["4:15: service orders: endpoint orders.test is not in zone lab.example"],
    ),
    "unknown site of a DNS server": Row(
        [("{site: east, address: 192.0.2.1}", "{site: esat, address: 192.0.2.1}")],
        ["29:21: dns server ns_east: unknown site esat\n  hint: did you mean east?"],
    ),
    "several at once": Row(
        [("host: west_db", "host: westdb"), ("zone: test", "zone: test\n  algorithm: hmac-sha1")],
        [
            (
                "17:43: site west, system orders_db: host westdb is not under hosts\n"
                "  hint: did you mean west_db?"
            ),
            (
                "27:14: dns: algorithm is 'hmac-sha1', expected hmac-sha256, hmac-sha384 or "
                "hmac-sha512\n"
                "  hint: hmac-sha1 is too weak; make a new key, as with tsig-keygen -a hmac-sha256"
            ),
        ],
    ),
}


@pytest.mark.parametrize(("changes", "told"), ROWS.values(), ids=ROWS.keys())
def test_told_with_place_reason_and_fix(changes: list[Change], told: list[str], lint: Lint) -> None:
    assert lint(inventory=changes) == [f"inventory.yaml:{line}" for line in told]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (('host_key: "' + WEST_KEY, 'key_file: key, host_key: "' + WEST_KEY), "24:57"),
        (('{secret: "file:tsig"}', '{secret: "file:key"}'), "27:17"),
    ],
)
def test_a_key_file_open_to_others_is_refused(
    change: Change, place: str, lint: Lint, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("secret")
    key.chmod(0o644)
    told = f"inventory.yaml:{place}: {{}}key can be read by others, its mode is 0644"
    assert lint(inventory=[change])[0].splitlines() == [
        told.format(""),
        "  hint: chmod 600 key",
    ]

    key.chmod(0o600)
    assert lint(inventory=[change]) == []


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ([], []),
        (
            [("at: postgresql}", "at: journal}")],
            [
                (
                    "orders.yaml: the lease of orders is at journal, which covers one machine only; "
                    "a second machine could act at the same moment"
                )
            ],
        ),
        (
            [("boot_guard: true,", "")],
            [
                (
                    "orders.yaml: east.orders_db has no boot guard: its fence does not survive a "
                    "manual power-on; install the guard and set boot_guard: true"
                )
            ],
        ),
        (
            [
                (
                    "roles:\n  incident_commander: {people: [oncall-primary], deputies: [oncall-secondary]}\n",
                    "",
                )
            ],
            ["orders.yaml: the inventory names nobody under roles; anyone may answer approvals"],
        ),
    ],
)
def test_warns_of_what_does_not_hold(
    changes: list[Change], warning: list[str], loading: Load
) -> None:
    assert list(loading(inventory=changes).warnings) == warning


def test_a_directory_is_no_key_and_nobody_is_told_to_close_it(lint: Lint) -> None:
    Path("keys").mkdir()
    for written, told in (
        ("", []),
        (
            "keys",
            ["inventory.yaml:24:57: keys is a directory\n  hint: name the file that holds the key"],
        ),
    ):
        key = ('host_key: "' + WEST_KEY, f'key_file: {written}, host_key: "{WEST_KEY}')
        assert lint(inventory=[key]) == told
