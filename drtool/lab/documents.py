"""What a lab writes down before it starts: the inventory, the zone, what each process runs."""

from __future__ import annotations

import getpass
import json
import os
import socket
from dataclasses import asdict
from pathlib import Path

import yaml

from drtool.lab.controller import Settings
from drtool.lab.keys import PEOPLE, host_key, person_key
from drtool.lab.layout import ADDRESSES, EAST, ENDPOINT, MARK, SITES, ZONE, Identity, Layout, Ports
from drtool.lab.postgresql import DATABASE, SLOT, START_SCRIPT
from drtool.lab.servers.choice import Servers
from drtool.lab.servers.kinds import DnsPlace, SshPlace, module, spelled
from drtool.model.inventory import Inventory
from drtool.shipped import shipped

POWER_USER = "drtool"
KEY_NAME = "drtool"
TTL_SECONDS = 1
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def host_name(site: str) -> str:
    """The inventory's name of a site's machine."""
    return f"{site}_db"


def other(site: str) -> str:
    """The other site."""
    return next(name for name in SITES if name != site)


def write_site(layout: Layout, site: str, servers: Servers) -> None:
    """``site.json`` and the zone: what the site's supervisor starts."""
    identity, paths = layout.identity(), layout.site(site)
    ports, dns, peer = identity.ports, identity.dns[site], identity.dns[other(site)]
    paths.zone_file.write_text(_zone(), encoding="utf-8")
    services = {
        "ssh": servers.ssh.command(
            SshPlace(
                address=(ADDRESSES[site], ports.ssh),
                host_key=paths.host_key,
                authorized_keys=layout.secret("authorized_keys"),
                directory=paths.root,
                path=f"{paths.bin}:{_PATH}",
                mark=(MARK, identity.mark),
            )
        ),
        "dns": servers.dns.command(
            DnsPlace(
                zone=ZONE,
                zone_file=paths.zone_file,
                address=dns,
                peer=peer,
                key_name=KEY_NAME,
                key_file=layout.secret("tsig"),
                directory=paths.root / "dns",
            )
        ),
        "orders": module(
            "drtool.lab.orders",
            *("--bind", f"{ADDRESSES[site]}:{ports.orders}", "--site", site),
            *("--endpoint", ENDPOINT, "--dns", ",".join(map(spelled, (dns, peer)))),
            *("--database-port", ports.postgresql, "--database", DATABASE),
            *("--user", "orders", "--password-file", layout.secret("orders.password")),
        ),
    }
    told = {
        "services": services,
        "postgresql": [str(paths.bin / "postgres"), "-D", str(paths.data)],
    }
    paths.configuration.write_text(json.dumps(told, indent=1), encoding="utf-8")


def write_controller(layout: Layout, site: str, ports: Ports) -> None:
    """``controller.json``: what the site's power controller switches."""
    directory = layout.controller(site)
    settings = Settings(
        name=host_name(site),
        address=ADDRESSES[site],
        port=ports.power,
        user=POWER_USER,
        password_file=str(layout.secret(f"{site}_power.password")),
        certificate=str(directory / "certificate.pem"),
        key=str(directory / "key.pem"),
        supervisor=module("drtool.lab.site", layout.site(site).root),
        directory=str(layout.site(site).root),
        log=str(directory / "site.log"),
    )
    (directory / "controller.json").write_text(json.dumps(asdict(settings)), encoding="utf-8")


def _zone() -> str:
    lines = [
        f"$ORIGIN {ZONE}.",
        f"$TTL {TTL_SECONDS}",
        f"@ IN SOA ns-east.{ZONE}. hostmaster.{ZONE}. 1 60 10 600 {TTL_SECONDS}",
        *(f"@ IN NS ns-{site}.{ZONE}." for site in SITES),
        *(f"ns-{site} IN A {ADDRESSES[site]}" for site in SITES),
        f"{ENDPOINT}. IN A {ADDRESSES[EAST]}",
    ]
    return "\n".join(lines) + "\n"


def write_inventory(layout: Layout, identifier: str) -> None:
    """The inventory of both sites, checked by drtool's own model before it is written."""
    identity = layout.identity()
    ports = identity.ports
    document = {
        "version": 1,
        "services": {
            "orders": {
                "endpoint": ENDPOINT,
                "url": f"http://{ENDPOINT}:{ports.orders}",
                "preferred": EAST,
                "lease": {"at": "postgresql", "freeze": "dns"},
                "heartbeat": "1s",
                "signals": [
                    {"http": f"http://{ENDPOINT}:{ports.orders}/health"},
                    *({"heartbeat": f"{site}.orders_db"} for site in SITES),
                ],
            }
        },
        "sites": {site: _site(layout, site, ports, identifier) for site in SITES},
        "hosts": {host_name(site): _host(layout, site, identity) for site in SITES},
        "dns": {
            "zone": ZONE,
            "min_servers": 1,
            "ttl": f"{TTL_SECONDS}s",
            "key_name": KEY_NAME,
            "algorithm": "hmac-sha256",
            "key": {"secret": "file:secrets/tsig"},
            "servers": {
                f"ns_{site}": {"site": site, "address": host, "port": port}
                for site, (host, port) in identity.dns.items()
            },
        },
        **_people(layout),
        # this machine and what is no part of a site outlive either
        "outside": [socket.gethostname()],
    }
    Inventory.model_validate(document)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=96)
    schema = (shipped("runbooks") / "inventory.schema.json").as_uri()
    layout.inventory.write_text(
        f"# yaml-language-server: $schema={schema}\n"
        f"# Written by drtool lab up; gone with drtool lab down.\n{text}"
    )


def _people(layout: Layout) -> dict[str, object]:
    """Whoever sits here consents; in a lab with people, two of them do, each with a key."""
    if not layout.people.exists():
        return {"roles": {"incident_commander": {"people": [_user()]}}}
    people = {
        name: {"keys": [person_key(layout, name)], "may": list(rights)}
        for name, rights in PEOPLE.items()
    }
    role = {"people": ["commander"], "deputies": ["deputy"], "needs": 2}
    return {"people": people, "roles": {"incident_commander": role}}


def _site(layout: Layout, site: str, ports: Ports, identifier: str) -> dict[str, object]:
    paths = layout.site(site)
    return {
        "address": ADDRESSES[site],
        "systems": {
            "orders_db": {
                "kind": "postgresql",
                "host": host_name(site),
                "address": ADDRESSES[site],
                "port": ports.postgresql,
                "user": "drtool",
                "database": DATABASE,
                "password": {"secret": "file:secrets/drtool.password"},
                "sslmode": "disable",
                "data_directory": str(paths.data),
                "bin_directory": str(paths.bin),
                "system_identifier": identifier,
                "start_command": [str(paths.bin / START_SCRIPT)],
                "release_file": str(paths.release),
                "replication": {
                    "user": "replicator",
                    "password": {"secret": "file:secrets/replicator.password"},
                    "slot": SLOT,
                },
                "fence": ["ssh", "power"],
                "boot_guard": True,
            }
        },
    }


def _host(layout: Layout, site: str, identity: Identity) -> dict[str, object]:
    return {
        "site": site,
        "ssh": {
            "address": ADDRESSES[site],
            "port": identity.ports.ssh,
            "user": identity.ssh_user,
            "host_key": host_key(layout, site),
            "key_file": str(layout.ssh_key),
            "state_directory": str(layout.site(site).root / "state"),
        },
        "power": {
            "redfish": f"https://{ADDRESSES[site]}:{identity.ports.power}",
            "system": "1",
            "user": POWER_USER,
            "password": {"secret": f"file:secrets/{site}_power.password"},
            "ca_file": str(layout.ca),
            "out_of_band": True,
        },
        "also_runs": ["the orders web service", f"the DNS server ns_{site}"],
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def runbook() -> Path:
    """The runbook of the lab's service; raises DrtoolError when it is not there."""
    return shipped("runbooks") / "hot-standby" / "orders.yaml"
