"""A server's control file, read through SQL."""

from __future__ import annotations

from typing import Final, LiteralString

from drtool.connections.postgresql.reader import PostgresqlReader
from drtool.model.patroni import Checkpoint

_CHECKPOINT: Final[LiteralString] = """
SELECT checkpoint_lsn - '0/0'::pg_lsn, redo_lsn - '0/0'::pg_lsn FROM pg_control_checkpoint()
"""


class ControlReader(PostgresqlReader):
    """Reads of one server and of its control file."""

    def checkpoint(self) -> Checkpoint:
        """The last checkpoint, as a standby its last restartpoint."""
        position, redo = self._rows("control file", _CHECKPOINT)[0]
        return Checkpoint(position=position, redo=redo)
