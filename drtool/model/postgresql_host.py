"""What a PostgreSQL server's host shows of it: processes, control file, signal file."""

from __future__ import annotations

from drtool.model.replication import position_text
from drtool.model.value import Value

IN_PRODUCTION = "in production"
SHUT_DOWN = "shut down"
SHUT_DOWN_IN_RECOVERY = "shut down in recovery"
IN_ARCHIVE_RECOVERY = "in archive recovery"


class Process(Value):
    """A server process of the data directory; ``state`` is the kernel's letter, T is stopped."""

    pid: int
    parent: int
    state: str


class Control(Value):
    """The control file, as pg_controldata shows it; positions are numbers of bytes."""

    system_identifier: str
    state: str
    checkpoint: int
    redo: int
    timeline: int
    minimum_recovery: int = 0
    minimum_timeline: int = 0
    checksums: bool = False
    wal_log_hints: bool = False
    segment_bytes: int = 16 * 1024 * 1024

    @property
    def stopped_cleanly(self) -> bool:
        """Whether nothing is left to recover, as primary or as standby."""
        return self.state in {SHUT_DOWN, SHUT_DOWN_IN_RECOVERY}


class HostState(Value):
    """What was seen of a server on its host.

    ``hidden`` are server processes that our user may not look into: they may or may not be this
    server's. ``note`` is what stands in ``standby.signal``. ``written`` is the newest WAL file
    and when it was written. ``fresh_copy`` says that it holds a copy of another server, or a
    rewound one, that was never started. ``mode`` is the data directory's, in octal; see ``held``.
    """

    place: str
    data_directory: str
    directory: str | None = None
    mode: str = ""
    processes: tuple[Process, ...] = ()
    hidden: tuple[int, ...] = ()
    postmaster: int | None = None
    manager: str = ""
    standby_signal: bool = False
    note: str = ""
    written: str = ""
    fresh_copy: bool = False
    control: Control | None = None
    control_trouble: str = ""

    @property
    def running(self) -> bool:
        """Whether any server process of this data directory is left."""
        return bool(self.processes)

    @property
    def held(self) -> bool:
        """Whether the directory's mode keeps any server from starting: its group may write.

        So reinstate marks a data directory that is only half rewound or copied.
        """
        return self.mode.zfill(4)[-2:-1] in {"2", "3", "6", "7"}

    @property
    def final_position(self) -> int | None:
        """Where the shutdown checkpoint of a cleanly stopped primary begins."""
        if self.control is None or self.control.state != SHUT_DOWN or self.running:
            return None
        return self.control.checkpoint

    @property
    def last_record(self) -> int | None:
        """A byte of the last record that it wrote as a primary; None while that is not known.

        Only a shutdown checkpoint ends a primary's WAL: after a crash its control file still names
        an earlier one. A supervisor may have started it again as a standby. After a crash that
        reads all of its WAL first, and notes where it ended (PostgreSQL, "xlogrecovery.c"); only
        one that had crashed soon after its own promotion has noted that one, on a later timeline
        than its checkpoint's.
        """
        control = self.control
        if control is None or control.state not in {IN_ARCHIVE_RECOVERY, SHUT_DOWN_IN_RECOVERY}:
            return self.final_position
        if control.minimum_timeline > control.timeline:
            return None
        return max(control.checkpoint, control.minimum_recovery - 1)

    def __str__(self) -> str:
        """What was seen, on one line."""
        count = len(self.processes)
        there = f"{count} server process{'es' if count != 1 else ''}" if count else "no server"
        parts = [f"{there} of {self.data_directory}"]
        if self.control is not None:
            end = position_text(self.control.checkpoint)
            parts.append(f"{self.control.state}, last checkpoint at {end}")
        parts.append("standby.signal present" if self.standby_signal else "no standby.signal")
        return ", ".join(parts)
