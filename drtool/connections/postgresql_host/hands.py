"""What is done on a PostgreSQL server's host."""

from __future__ import annotations

from drtool.connections.postgresql_host.reader import PostgresqlHostReader
from drtool.connections.postgresql_host.source import Source, pgpass_password
from drtool.connections.reach import Writer
from drtool.connections.ssh_transport import Ran
from drtool.errors import AccessDenied, Refused, StepFailed
from drtool.model.lineage import Tail, segment_name
from drtool.model.postgresql_host import HostState
from drtool.model.replication import position_text
from drtool.model.value import Value

# One look of the script's waiting loop: a pause of 5 ms and the cost of starting `sleep`.
_LOOK_SECONDS = 0.0065
# What the script may take beyond the drain: looking, three rounds of killing, syncing the signal.
_KILL_SECONDS = 8.0
_COPY_SECONDS = 600.0
_START_SECONDS = 60.0
# The scripts' exit codes.
_OTHER_CLUSTER, _NOT_WRITTEN, _NO_RIGHT = 45, 46, 47
_CUT_OFF, _NOT_RECOVERED, _BEFORE, _IN_THE_MIDDLE, _NOT_REACHED = 49, 51, 52, 53, 54


class Remade(Value):
    """How a rewind or a copy came out: a state, or trouble.

    ``untouched`` says that the trouble came before the first change.
    """

    state: HostState | None = None
    trouble: str = ""
    untouched: bool = False


class PostgresqlHostHands(PostgresqlHostReader, Writer):
    """Stops, writes to and starts one server, through its host."""

    def stop(
        self, identifier: str, note: str, drain: float, *, kill: bool, seconds: float | None = None
    ) -> HostState:
        """Write ``standby.signal``, stop fast, and tell what is left; one command in all.

        Nothing is touched unless the data directory bears the system ``identifier``. The fast
        stop lets connected standbys have the shutdown checkpoint and is waited for during
        ``drain`` seconds; after that, with ``kill``, every server process of the data directory
        is ended. Raises Refused for another cluster, AccessDenied without the right to signal,
        Unreachable when no answer came: look again then.
        """
        looks = max(1, round(drain / _LOOK_SECONDS))
        limit = drain + _KILL_SECONDS if seconds is None else seconds
        how = "hard" if kill else ""
        ran = self._script("stop", limit, identifier, " ".join(note.split()), str(looks), how)
        self._refuse_other_cluster(ran, identifier)
        subject = f"host of {self.target}"
        if ran.code == _NOT_WRITTEN:
            signal = f"{self.system.data_directory}/standby.signal"
            raise StepFailed(
                subject,
                f"standby.signal cannot be written: {ran.said()}",
                hint=f"see to it that this can be done there: touch {signal}",
            )
        if ran.code == _NO_RIGHT:
            raise AccessDenied(
                subject,
                f"the postmaster cannot be signalled: {ran.said()}",
                "to log in as the user that runs PostgreSQL, or as root",
            )
        return self._reported(ran)

    def release(self, identifier: str, note: str, drain: float) -> HostState:
        """Take a demotion back: no ``standby.signal``, and the boot guard's leave to start it.

        A server that a supervisor has started as a standby meanwhile is stopped first. Only a
        signal whose note begins with ``note`` is removed; where there is none nothing is done.
        Raises Refused for another cluster, StepFailed with what stands in the way.
        """
        looks = max(1, round(drain / _LOOK_SECONDS))
        words = (identifier, " ".join(note.split()), str(looks), self.system.release_file or "")
        ran = self._script("release", drain + _KILL_SECONDS, *words)
        self._refuse_other_cluster(ran, identifier)
        return self._reported(ran)

    def keep_tail(self, tail: Tail, run: str, segment_bytes: int) -> str:
        """Copy the WAL from a position on, list its commits, and tell where that lies.

        What this run has kept already is left as it is.
        """
        where = f"{self._keep}/divergent-{run}-{tail.timeline}"
        first = segment_name(tail.timeline, tail.position, segment_bytes)
        words = (str(tail.timeline), position_text(tail.position), first, where)
        ran = self._script("keep", _COPY_SECONDS, *words, f"{tail.commits} commits")
        if ran.code != 0:
            raise StepFailed(f"host of {self.target}", f"WAL cannot be kept: {ran.said()}")
        return where

    def write_standby_configuration(self, source: Source, identifier: str, note: str) -> HostState:
        """Make the stopped server follow a source whose past it shares; it is not started."""
        given = (identifier, self._keep, " ".join(note.split()))
        ran = self._remake("follow", source, source.password, _COPY_SECONDS, *given)
        return self._remade(ran, identifier)

    def rewind(
        self, source: Source, identifier: str, note: str, timeline: int, *, seconds: float
    ) -> Remade:
        """Take back what the source never had, and follow the source; it is not started.

        An unclean server is recovered first, as a standby that nobody can reach. The site's own
        configuration is put back. Nothing can start on a data directory that is half rewound, or
        that the control file does not show to have reached the source's ``timeline``.
        """
        given = (identifier, self._keep, " ".join(note.split()), source.for_rewind())
        ran = self._remake("rewind", source, source.password, seconds, *given, str(timeline))
        if ran.code in {_BEFORE, _IN_THE_MIDDLE, _CUT_OFF, _NOT_RECOVERED, _NOT_REACHED}:
            return Remade(trouble=f"pg_rewind: {ran.said()}", untouched=ran.code == _BEFORE)
        return Remade(state=self._remade(ran, identifier))

    def rebuild(self, source: Source, identifier: str, note: str, seconds: float) -> Remade:
        """Replace the data directory by a copy of the source and follow it; it is not started."""
        given = (identifier, self._keep, " ".join(note.split()), source.for_replication())
        password = source.replication_password
        ran = self._remake("rebuild", source, password, seconds, *given, source.slot)
        if ran.code in {_BEFORE, _IN_THE_MIDDLE}:
            return Remade(trouble=f"pg_basebackup: {ran.said()}", untouched=ran.code == _BEFORE)
        return Remade(state=self._remade(ran, identifier))

    def start_server(self, seconds: float = _START_SECONDS) -> None:
        """Start the server, by the inventory's start_command or by pg_ctl."""
        command = self.system.start_command
        if command:
            ran = self._run(list(command), seconds, command[0])
        else:
            ran = self._script("start", seconds + 5, f"{self._keep}/server.log", f"{seconds:.0f}")
        if ran.code != 0:
            raise StepFailed(
                f"postgresql {self.target}",
                f"did not start (code {ran.code}): {ran.said()}",
                hint=f"look into its log on host {self.system.host}",
            )

    def _run(self, argv: list[str], seconds: float, what: str, feed: str = "") -> Ran:
        """Behind the guard that refuses a holder of yesterday; raises LeaseHeld for one."""
        guard = self.context.guard
        if guard is None:
            return super()._run(argv, seconds, what, feed)
        host = self.context.inventory.hosts[self.system.host]
        guarded = guard.argv(host.ssh.state_directory if host.ssh else "", argv)
        return guard.judge(self._transport.subject, super()._run(guarded, seconds, what, feed))

    @property
    def _keep(self) -> str:
        """Where on the host lies what must outlive the data directory."""
        host = self.context.inventory.hosts[self.system.host]
        state = host.ssh.state_directory if host.ssh else "."
        return f"{state}/{self.target}"

    def _remake(
        self, script: str, source: Source, password: str, seconds: float, *words: str
    ) -> Ran:
        """Run a script that ends with a standby; passwords go over standard input only."""
        feed = f"{pgpass_password(password)}\n{source.settings()}"
        return self._script(script, seconds, *words, feed=feed)

    def _remade(self, ran: Ran, identifier: str) -> HostState:
        self._refuse_other_cluster(ran, identifier)
        if ran.code == _NOT_WRITTEN:
            where = f"{self._keep} {self.system.data_directory}"
            hint = f"make room there, or see to the rights, then try again: df -h {where}"
            raise StepFailed(f"host of {self.target}", ran.said(), hint=hint)
        if ran.code != 0:
            raise StepFailed(f"host of {self.target}", ran.said())
        return self._reported(ran)

    def _refuse_other_cluster(self, ran: Ran, identifier: str) -> None:
        if ran.code != _OTHER_CLUSTER:
            return
        found = ran.out.partition("identifier ")[2].strip()
        if found in {"", "none"}:
            raise StepFailed(
                f"host of {self.target}",
                f"no system identifier can be read in {self.system.data_directory}",
                identifier,
                "compare data_directory and bin_directory in the inventory",
            )
        raise Refused(
            f"host of {self.target}",
            f"found the system identifier {found}",
            f"{identifier}; nothing was changed",
            "compare data_directory and system_identifier in the inventory",
        )
