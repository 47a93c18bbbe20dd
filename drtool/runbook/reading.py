"""Read a runbook's document into its model."""

from __future__ import annotations

from typing import Literal, get_args

from drtool.model.plan import Objectives
from drtool.model.purpose import Procedure, Strategy
from drtool.model.runbook import Entry, Lost, Parameter, Runbook, Waiver, Way
from drtool.runbook.mapping import Keys, did_you_mean, one_of
from drtool.runbook.marks import FaultList, Items, Pairs, Scalar, bare, kind_name
from drtool.runbook.parameters import reason_not_of_type
from drtool.runbook.steps import StepReader

_KEYS = (
    "version",
    "runbook",
    "service",
    "strategy",
    "inventory",
    "objectives",
    "parameters",
    "blocks",
    "procedures",
    "waivers",
)
_TYPES = get_args(Parameter.model_fields["type"].annotation)
_PROCEDURES = tuple(procedure.value for procedure in Procedure)


UNNAMED = "unnamed"


class Read:
    """A runbook as far as it could be read; ``broken`` when a procedure could not."""

    def __init__(self, runbook: Runbook, *, broken: bool) -> None:
        self.runbook, self.broken = runbook, broken


def read_runbook(root: Pairs, faults: FaultList) -> Read:
    """The model of a document; faults go to the list, and what is missing is ``unnamed``."""
    keys = Keys(root, "", faults)
    keys.only(_KEYS)
    _version(keys)
    for key in ("runbook", "service", "procedures"):
        keys.need(key)
    reader = StepReader(faults)
    name, service = keys.name("runbook"), keys.name("service")
    strategy, objectives = keys.choice("strategy", Strategy), _objectives(keys)
    parameters, blocks = _parameters(keys), _blocks(keys, reader)
    (procedures, broken), waivers = _procedures(keys, reader), _waivers(keys)
    runbook = Runbook(
        name=name or UNNAMED,
        service=service or UNNAMED,
        strategy=strategy,
        inventory=keys.text("inventory"),
        objectives=objectives,
        parameters=parameters,
        blocks=blocks,
        procedures=procedures,
        waivers=waivers,
        sources=_sources(root),
    )
    return Read(runbook, broken=broken)


def _version(keys: Keys) -> None:
    node = keys.need("version", "version: 1")
    if node is not None and bare(node) != 1:
        keys.wrong("version", node, "1")


def _objectives(keys: Keys) -> Objectives:
    inner = keys.inner("objectives", "objectives")
    if inner is None:
        return Objectives()
    inner.only({"rto", "rpo", "downtime"})
    return Objectives(
        rto=inner.duration("rto"),
        rpo=inner.duration("rpo", zero=True),
        downtime=inner.duration("downtime"),
    )


def _blocks(keys: Keys, reader: StepReader) -> dict[str, tuple[Entry, ...]]:
    inner = keys.inner("blocks", "blocks")
    found: dict[str, tuple[Entry, ...]] = {}
    for name in inner.pairs.nodes if inner else ():
        if inner is not None and _is_named(inner, name, "block"):
            nodes = inner.items(name)
            lost = (Lost(source=str(inner.mark(name))),)
            found[name] = lost if nodes is None else reader.entries(nodes)
    return found


def _is_named(keys: Keys, name: str, what: str) -> bool:
    probe = Keys(Pairs(keys.mark(name), {what: Scalar(keys.mark(name), name)}, {}), "", keys.faults)
    return probe.name(what) is not None


def _procedures(keys: Keys, reader: StepReader) -> tuple[dict[Procedure, Way], bool]:
    """The procedures, and whether one could not be read."""
    inner = keys.inner("procedures", "procedures")
    found: dict[Procedure, Way] = {}
    broken = False
    if inner is None:
        return found, True
    if not inner.pairs.nodes:
        inner.fault(inner.mark(), "there is none", "failover: [...]")
    for name, node in inner.pairs.nodes.items():
        if name not in _PROCEDURES:
            hint = did_you_mean(name, _PROCEDURES) or f"procedures are {one_of(_PROCEDURES)}"
            inner.fault(inner.mark(name), f"unknown procedure {name}", hint)
            broken = True
            continue
        procedure, source = Procedure(name), str(inner.mark(name))
        if isinstance(node, Pairs):
            _same_way(inner, procedure, node)
            found[procedure] = Way(same_as=Procedure.SWITCHOVER, source=source)
        elif isinstance(node, Items):
            found[procedure] = Way(entries=reader.entries(inner.items(name) or []), source=source)
        else:
            inner.wrong(name, node, "a list of steps")
            broken = True
    way = found.get(Procedure.FAILBACK)
    if way and way.same_as and way.same_as not in found and not broken:
        inner.fault(inner.mark("failback"), "failback goes the way of switchover; there is none")
    return found, broken


def _same_way(keys: Keys, procedure: Procedure, node: Pairs) -> None:
    said = bare(node)
    if procedure is Procedure.FAILBACK and said == {"switchover": "to_preferred"}:
        return
    name = procedure.value
    if procedure is Procedure.FAILBACK:
        keys.fault(
            node.mark,
            f"{name} is a mapping, expected steps",
            "failback: {switchover: to_preferred}",
        )
    else:
        keys.fault(node.mark, f"{name} is {kind_name(node)}, expected a list of steps")


def _parameters(keys: Keys) -> dict[str, Parameter]:
    inner = keys.inner("parameters", "parameters")
    found = {}
    for name in inner.pairs.nodes if inner else ():
        one = inner.inner(name, f"parameter {name}") if inner else None
        if one is not None and inner is not None and _is_named(inner, name, "parameter"):
            found[name] = _parameter(one)
    return found


def _parameter(keys: Keys) -> Parameter:
    keys.only({"type", "default", "one_of", "about"})
    kind: Literal["text"] = keys.text("type") or "text"  # type: ignore[assignment]
    if kind not in _TYPES:
        node = keys.pairs.nodes["type"]
        keys.wrong("type", node, one_of(_TYPES), did_you_mean(kind, _TYPES))
        return Parameter()
    default, choices = keys.node("default"), keys.items("one_of") or []
    parameter = Parameter(
        type=kind,
        default=bare(default) if default else None,
        one_of=tuple(bare(choice) for choice in choices),
        about=keys.text("about") or "",
    )
    reason = reason_not_of_type(parameter, parameter.default) if default else None
    if reason and default:
        keys.fault(default.mark, f"default {reason}")
    return parameter


def _waivers(keys: Keys) -> dict[Waiver, str]:
    inner = keys.inner("waivers", "waivers")
    if inner is None:
        return {}
    known: tuple[Waiver, ...] = get_args(Waiver)
    inner.only(set(known))
    return {name: reason for name in known if (reason := inner.text(name))}


def _sources(root: Pairs) -> dict[str, str]:
    found = {f"@{key}": str(mark) for key, mark in root.keys.items()}
    found |= {key: str(node.mark) for key, node in root.nodes.items()}
    for key in ("blocks", "procedures", "objectives", "parameters"):
        node = root.nodes.get(key)
        if isinstance(node, Pairs):
            found |= {f"{key}.{name}": str(mark) for name, mark in node.keys.items()}
    return found
