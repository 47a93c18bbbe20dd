"""What ``drtool lab`` does, each verb a function that prints."""

from __future__ import annotations

import sys
import time

from rich.console import Console

from drtool.lab import bring
from drtool.lab.layout import Layout, default_home
from drtool.lab.listening import wait_for_services
from drtool.lab.servers.choice import choose
from drtool.lab.showing import show_commands, show_status
from drtool.lab.status import status as look
from drtool.units import seconds_text


def up(
    *,
    servers: str | None = None,
    dns: str | None = None,
    prefect: bool = True,
    people: bool = False,
) -> None:
    """Bring the lab up; say how long it took and what to try."""
    console, began = Console(highlight=False), time.monotonic()
    layout = bring.up(
        default_home(),
        servers=choose(servers, dns),
        prefect=prefect,
        people=people,
        tell=lambda sentence: console.print(f"  {sentence}", soft_wrap=True),
    )
    console.print(f"The lab is up after {seconds_text(time.monotonic() - began)}.")
    seen = look(layout.home)
    show_status(console, seen)
    show_commands(console, seen)


def status(*, as_json: bool = False) -> None:
    """Show what is up."""
    seen = look(default_home())
    if as_json:
        sys.stdout.write(seen.model_dump_json(indent=2) + "\n")
    else:
        show_status(Console(highlight=False), seen)


def break_site(site: str) -> None:
    """Cut a site's power."""
    bring.break_site(default_home(), site)
    Console(highlight=False).print(
        f"Site {site} has lost its power: every process there was killed."
    )


def mend(site: str) -> None:
    """Let the mains return."""
    bring.mend(default_home(), site)
    _tell_power(site)


def button(site: str) -> None:
    """Press the power button."""
    bring.press_button(default_home(), site)
    _tell_power(site)


def _tell_power(site: str) -> None:
    layout = Layout(default_home())
    said = bring.panel(layout, site, "state")
    console = Console(highlight=False)
    if not said["on"]:
        console.print(
            f"Mains power is there, and site {site} stays off: its power controller was told"
            f" {said['policy']}."
        )
        return
    wait_for_services(layout, site)
    found = look(layout.home).sites[site].postgresql
    console.print(f"Site {site} is on; its PostgreSQL server: {found.state}.")
    if found.note:
        console.print(f"  {found.note}", soft_wrap=True)


def down() -> None:
    """Take the lab down."""
    home = default_home()
    was_up = bring.down(home)
    Console(highlight=False).print(
        "The lab is down: no process and no file of it is left."
        if was_up
        else f"No lab is up in {home}."
    )


def drill(
    *,
    servers: str | None = None,
    dns: str | None = None,
    engine: str = "auto",
    prefect: str = "run",
    keep: bool = False,
) -> int:
    """Run the drill; gives its exit code."""
    from drtool.lab.drill import drill as run  # noqa: PLC0415 - the other verbs need none of it

    return run(default_home(), servers=servers, dns=dns, engine=engine, prefect=prefect, keep=keep)
