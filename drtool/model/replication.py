"""What PostgreSQL servers say of themselves; positions are numbers of bytes in the WAL."""

from __future__ import annotations

from datetime import datetime

from drtool.model.value import Value
from drtool.units import seconds_text


def position_text(position: int | None) -> str:
    """A position as PostgreSQL writes it, ``0/3000148``; ``none`` when there is none."""
    return "none" if position is None else f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def position_of(text: str) -> int:
    """A position read from PostgreSQL's text, ``0/3000148``."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


class Receiver(Value):
    """The walreceiver of a standby, while there is one."""

    status: str
    sender_host: str | None = None
    sender_port: int | None = None
    slot: str | None = None
    timeline: int | None = None
    heard_at: datetime | None = None


class Sender(Value):
    """A walsender of a primary: one standby as its primary sees it."""

    application_name: str
    client_address: str | None = None
    state: str
    sync_state: str
    sent: int | None = None
    flushed: int | None = None
    replayed: int | None = None


class Heartbeat(Value):
    """The newest heartbeat row that a server has: written at the primary, by its clock.

    ``synchronous`` are the standbys that the primary waited for at each commit at that moment; none
    where another one was there to take their place.
    """

    written_at: datetime
    position: int | None = None
    synchronous: tuple[str, ...] = ()


class Sample(Value):
    """Where a primary's WAL ended at a moment, by drtool's own clock."""

    position: int
    timeline: int
    at: datetime


class Replication(Value):
    """A PostgreSQL server's role, identity, positions and last news from its primary.

    ``place`` is ``site.system``. ``now`` is the server's own clock. ``received`` is the greater
    of the walreceiver's and the replay position, because the former restarts with each
    walreceiver. ``started_at`` with ``system_identifier`` tells one server from another.
    """

    place: str
    in_recovery: bool
    read_only: bool
    system_identifier: str
    timeline: int
    received: int | None = None
    replayed: int | None = None
    current: int | None = None
    replay_paused: bool = False
    receiver: Receiver | None = None
    heartbeat: Heartbeat | None = None
    last_commit: datetime | None = None
    standby_name: str = "walreceiver"
    synchronous_standby_names: str = ""
    synchronous_commit: str = "on"
    server_version: int
    started_at: datetime
    data_directory: str | None = None
    now: datetime

    @property
    def streaming(self) -> bool:
        """Whether a walreceiver is connected and receives."""
        return self.receiver is not None and self.receiver.status == "streaming"

    @property
    def position(self) -> int | None:
        """Where this server's WAL ends: written as a primary, received as a standby."""
        return self.received if self.in_recovery else self.current

    @property
    def received_not_replayed(self) -> int:
        """Bytes that delay a promotion and lose nothing."""
        if self.received is None or self.replayed is None:
            return 0
        return max(0, self.received - self.replayed)

    @property
    def role(self) -> str:
        """``standby`` or ``primary``, by what the server says."""
        return "standby" if self.in_recovery else "primary"

    def __str__(self) -> str:
        """The server on one line."""
        return (
            f"{self.place}: {self.role} on timeline {self.timeline}"
            f" at {position_text(self.position)}"
        )


class LossEvidence(Value):
    """All that is known about what a standby has of its primary's commits.

    ``primary`` is the old primary if it answered as one, ``waited_for`` the standbys that it
    waits for at each commit. ``sample`` is the last position seen at the primary, with its age.
    ``fenced_at`` is the time of the proof of its fence, ``final_position`` where its shutdown
    checkpoint begins, if it stopped cleanly. ``now`` is drtool's own clock.
    """

    standby: Replication
    primary: Replication | None = None
    waited_for: tuple[str, ...] = ()
    sample: Sample | None = None
    outage_start: datetime | None = None
    fenced_at: datetime | None = None
    final_position: int | None = None
    now: datetime


class DataLoss(Value):
    """What a promotion of ``place`` now would lose, at most.

    ``seconds`` is None when it is unknown, and ``reason`` says why. ``upper_bound`` says that the
    end of the last possible commit is not known better than by the fence or the clock. What was
    received but not replayed delays a promotion and loses nothing; ``not_received_bytes`` is
    known only where the primary's last position is. ``stranger`` says why the standby belongs to
    another cluster, where that is known: its loss would be everything.
    """

    place: str
    stranger: str = ""
    seconds: float | None
    source: str
    upper_bound: bool = False
    reason: str = ""
    newest_received: datetime | None = None
    evidence_age_seconds: float | None = None
    received_not_replayed_bytes: int = 0
    not_received_bytes: int | None = None
    replay_paused: bool = False
    streaming: bool = False
    primary_answers: bool = False
    already_primary: bool = False

    def __str__(self) -> str:
        """The loss on one line."""
        if self.already_primary:
            return "already a primary"
        if self.seconds is None:
            return f"unknown: {self.reason}"
        bound = "at most " if self.upper_bound else ""
        return f"{bound}{seconds_text(self.seconds)} ({self.source})"


class ManagerSign(Value):
    """A sign that a cluster manager is in charge of a server."""

    manager: str
    sign: str


class Holder(Value):
    """Who holds an advisory lock."""

    pid: int
    application_name: str
    since: datetime | None = None


class TableSum(Value):
    """How many rows a table has, and a checksum of them that does not depend on their order."""

    table: str
    rows: int
    checksum: str
