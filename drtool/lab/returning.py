"""Start a DNS server of the machine's on a zone that is no older than its peer's.

``python -m drtool.lab.returning --zone NAME --zone-file FILE --journal PATH --peer ADDRESS:PORT
--key-file FILE --directory DIRECTORY -- COMMAND``. A server that was away takes its peer's zone,
if that is newer, before it answers anything: then it replaces this process.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from drtool.errors import DrtoolError
from drtool.lab.endpoint import parse_address
from drtool.lab.nameserver import catch_up, read_key
from drtool.lab.servers.kinds import HELD
from drtool.lab.zone import Zone


def merge(zone: str, zone_file: Path, journal: Path, compilezone: Path) -> None:
    """Bring the changes of BIND's journal into the zone file; raises DrtoolError."""
    if not journal.exists():
        return
    merged = zone_file.with_name(zone_file.name + ".merged")
    done = subprocess.run(
        [compilezone, "-q", "-j", "-J", journal, "-o", merged, zone, zone_file],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise DrtoolError(f"journal {journal}", f"cannot be read: {said}")
    merged.replace(zone_file)


def forget(journal: Path) -> None:
    """Remove a journal whose changes lead to a zone that is no longer ours."""
    if journal.is_dir():
        shutil.rmtree(journal)
    else:
        journal.unlink(missing_ok=True)


def main(arguments: list[str] | None = None) -> int:
    """Prepare the zone, then become the server."""
    parser = argparse.ArgumentParser(prog="python -m drtool.lab.returning", description=__doc__)
    parser.add_argument("--zone", required=True)
    parser.add_argument("--zone-file", required=True, type=Path)
    parser.add_argument("--journal", required=True, type=Path)
    parser.add_argument("--merge-with", type=Path)
    parser.add_argument("--peer", required=True, type=parse_address)
    parser.add_argument("--key-file", required=True, type=Path)
    parser.add_argument("--key-name", default="drtool")
    parser.add_argument("--directory", required=True, type=Path)
    parser.add_argument("command", nargs="+")
    given = parser.parse_args(arguments)
    try:
        if given.merge_with:
            merge(given.zone, given.zone_file, given.journal, given.merge_with)
        zone = Zone.read(given.zone, given.zone_file)
        if catch_up(zone, read_key(given.key_name, given.key_file), given.peer):
            forget(given.journal)
        os.dup2(os.open(given.directory, os.O_RDONLY | os.O_DIRECTORY), HELD)
        os.execv(given.command[0], given.command)  # noqa: S606 - the lab's own words
    except (DrtoolError, OSError) as error:
        sys.stderr.write(f"{error.text() if isinstance(error, DrtoolError) else error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
