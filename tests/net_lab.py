"""The lab on a network with cables: a machine for each site, for whoever operates, for helpers.

``oob`` is the network of the power controllers, which has its own way to them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from lab_runs import EAST, WEST, Document, PracticeLab, wait_until
from netns import Net

from drtool.lab import bring, documents, keys, listening, prefect_server
from drtool.lab.layout import ADDRESSES, Layout, Ports

CONTROLLERS = {EAST: "127.0.1.9", WEST: "127.0.2.9"}
HELPERS = "127.0.5.1"
MACHINES: dict[str, tuple[str, ...]] = {
    "op": ("127.0.9.1",),
    EAST: (ADDRESSES[EAST],),
    WEST: (ADDRESSES[WEST],),
    "oob": tuple(CONTROLLERS.values()),
    "helpers": (HELPERS,),
}


@contextlib.contextmanager
def net_lab(home: Path) -> Iterator[tuple[Net, PracticeLab]]:
    """The lab, up, with this thread on the operator's machine."""
    net = Net(MACHINES)
    try:
        net.up()
        with net.inside("op"), _apart(net):
            try:
                yield net, PracticeLab(bring.up(home))
            finally:
                bring.down(home)
    finally:
        net.down()


def apart(document: Document) -> None:
    """The inventory's power controllers, where they are."""
    for site, address in CONTROLLERS.items():
        power = document["hosts"][f"{site}_db"]["power"]
        power["redfish"] = power["redfish"].replace(ADDRESSES[site], address)


@contextlib.contextmanager
def _apart(net: Net) -> Iterator[None]:
    """Have the lab start each part on its own machine."""
    write, switch, prefect = (
        documents.write_controller,
        bring._switch_on,
        prefect_server.start,
    )

    def write_controller(layout: Layout, site: str, ports: Ports) -> None:
        write(layout, site, ports)
        path = layout.controller(site) / "controller.json"
        told = json.loads(path.read_text())
        told |= {"address": CONTROLLERS[site], "supervisor": net.command(site, *told["supervisor"])}
        path.write_text(json.dumps(told))

    def switch_on(layout: Layout, site: str) -> None:
        with net.inside("oob"):
            switch(layout, site)

    def start_prefect(layout: Layout, environment: dict[str, str]) -> int:
        with net.inside("helpers"):
            return prefect(layout, environment)

    with (
        patch.object(documents, "write_controller", write_controller),
        patch.object(bring, "_switch_on", switch_on),
        patch.object(bring, "wait_for_services", _wait_for_services),
        patch.object(prefect_server, "start", start_prefect),
        patch.object(prefect_server, "LOOPBACK", HELPERS),
        patch.object(keys, "ADDRESSES", CONTROLLERS),
    ):
        yield


def _wait_for_services(layout: Layout, site: str) -> None:
    ports = layout.identity().ports
    where = [(ADDRESSES[site], ports.ssh), (ADDRESSES[site], ports.orders)]
    where += [(CONTROLLERS[site], ports.power), layout.identity().dns[site]]
    wait_until(lambda: all(listening.takes_connections(*one) for one in where), 60)
