"""What an action is for; phases and the rules of order follow from it."""

from __future__ import annotations

from enum import Enum


class Purpose(Enum):
    """What an action is for."""

    ASSESS = "assess"
    PROVISION = "provision"
    RESTORE = "restore"
    FENCE = "fence"
    PROMOTE = "promote"
    SCALE = "scale"
    REDIRECT = "redirect"
    VERIFY = "verify"
    ANNOUNCE = "announce"
    REPROTECT = "reprotect"
    DRAIN = "drain"
    REFILL = "refill"


class Mode(Enum):
    """How a plan is run."""

    LIVE = "live"
    DRILL = "drill"
    DRY_RUN = "dry-run"
    TABLETOP = "tabletop"

    @property
    def changes_the_world(self) -> bool:
        """Whether effects are applied in this mode."""
        return self in {Mode.LIVE, Mode.DRILL}


class Strategy(Enum):
    """How the other site stands by."""

    COLD_STANDBY = "cold-standby"
    WARM_STANDBY = "warm-standby"
    PILOT_LIGHT = "pilot-light"
    HOT_STANDBY = "hot-standby"
    ACTIVE_ACTIVE = "active-active"


class Procedure(Enum):
    """A named way through a runbook."""

    FAILOVER = "failover"
    SWITCHOVER = "switchover"
    REPROTECT = "reprotect"
    FAILBACK = "failback"
    REHEARSAL = "rehearsal"
    DRAIN = "drain"
    LOSE = "lose"
    REFILL = "refill"

    @property
    def unplanned(self) -> bool:
        """Whether the site that is left is presumed lost."""
        return self in {Procedure.FAILOVER, Procedure.LOSE}


class StepKind(Enum):
    """What a step is."""

    ACTION = "action"
    COMMAND = "command"
    CHECK = "check"
    NOTICE = "notice"
    APPROVAL = "approval"
    MANUAL = "manual"


class Outcome(Enum):
    """How a step or a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    REFUSED = "refused"
    FAILED = "failed"
    ABORTED = "aborted"
    UNWOUND = "unwound"
    IN_DOUBT = "in doubt"
    HANDED_OVER = "handed over"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self not in {Outcome.PENDING, Outcome.RUNNING, Outcome.WAITING}


class OnFailure(Enum):
    """What a run does when a step fails."""

    STOP = "stop"
    CONTINUE = "continue"
    UNWIND = "unwind"
    ASK = "ask"
