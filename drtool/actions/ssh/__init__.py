"""Actions on hosts over SSH."""

from drtool.actions.ssh.run import Run
from drtool.actions.ssh.service import Service

__all__ = ["Run", "Service"]
