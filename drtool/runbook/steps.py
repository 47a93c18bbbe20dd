"""Read the entries of blocks and procedures."""

from __future__ import annotations

from drtool.catalog import ENGINE_KEYS
from drtool.model.plan import Approval
from drtool.model.purpose import OnFailure, Purpose, StepKind
from drtool.model.runbook import Each, Entry, Lost, Parallel, Ramp, Sequence, Step, Use
from drtool.model.value import Fields
from drtool.runbook.mapping import Keys, did_you_mean, is_name, one_of
from drtool.runbook.marks import FaultList, Items, Node, Pairs, Scalar, bare, kind_name, walk
from drtool.runbook.templates import is_template, read_template

_KINDS = ("action", "check", "notice", "approval", "manual")
_FORMS = ("step", "use", "parallel", "each", "ramp")
_LIMITS = {"at", "when", "budget", "deadline", "on_failure"}
_ALLOWED = {
    "approval": {"step", "approval", "when"},
    "manual": {"step", "manual", "owner", "purpose"} | _LIMITS,
}
_OTHERWISE = ("abort", "stop")


class StepReader:
    """Reads entries; what cannot be read is lost, and its place is kept."""

    def __init__(self, faults: FaultList) -> None:
        self.faults = faults

    def entries(self, nodes: list[Node]) -> tuple[Entry, ...]:
        """All the entries of a list."""
        return tuple(self.entry(node) for node in nodes)

    def entry(self, node: Node) -> Entry:
        """One entry."""
        before = len(self.faults)
        entry = self._entry(node)
        if entry is not None:
            return entry
        if len(self.faults) == before:
            self.faults.add(node.mark, "the entry cannot be read")
        return Lost(name=_name_of(node), source=str(node.mark))

    def _entry(self, node: Node) -> Entry | None:
        if isinstance(node, Items):
            inner = self.entries(node.nodes)
            return Sequence(entries=inner) if inner else None
        if not isinstance(node, Pairs):
            self.faults.add(node.mark, f"{kind_name(node)} is no step", "- {step: NAME, ...}")
            return None
        forms = [form for form in _FORMS if form in node.nodes]
        if len(forms) == 1:
            readers = (self._step, self._use, self._parallel, self._each, self._ramp)
            return readers[_FORMS.index(forms[0])](node)
        keys = Keys(node, "", self.faults)
        if forms:
            keys.fault(keys.mark(forms[1]), f"{forms[0]} and {forms[1]} in one entry", "split it")
        elif any(kind in node.nodes for kind in _KINDS):
            keys.fault(node.mark, "step is missing", "every step has a name: {step: NAME, ...}")
        else:
            first = next(iter(node.keys), "")
            keys.fault(
                node.mark, f"an entry has one of {one_of(_FORMS)}", did_you_mean(first, _FORMS)
            )
        return None

    def _use(self, node: Pairs) -> Use | None:
        keys = Keys(node, "use", self.faults)
        keys.only({"use", "as"})
        block, prefix = keys.name("use"), keys.name("as")
        return Use(block=block, prefix=prefix, source=str(keys.mark("use"))) if block else None

    def _parallel(self, node: Pairs) -> Parallel | None:
        keys = Keys(node, "parallel", self.faults)
        keys.only({"parallel"})
        branches = self.entries(keys.items("parallel") or [])
        return Parallel(branches=branches, source=str(node.mark)) if branches else None

    def _each(self, node: Pairs) -> Each | None:
        keys = Keys(node, f"each {bare(node.nodes['each'])}", self.faults)
        keys.only({"each", "in", "pace", "steps"})
        keys.need("in", "in: [ITEM, ITEM]")
        keys.need("steps")
        variable, items = keys.name("each"), self._known_list(keys, "in")
        entries = self.entries(keys.items("steps") or [])
        if variable is None or items is None or not entries:
            return None
        pace = keys.count("pace") or 1
        source = str(keys.mark("each"))
        return Each(variable=variable, items=items, pace=pace, entries=entries, source=source)

    def _ramp(self, node: Pairs) -> Ramp | None:
        keys = Keys(node, f"ramp {bare(node.nodes['ramp'])}", self.faults)
        keys.only({"ramp", "start", "through", "steps", "between", "never"})
        keys.need("through", "through: [10, 50, 100]")
        keys.need("steps")
        variable, through = keys.name("ramp"), self._known_list(keys, "through")
        entries = self.entries(keys.items("steps") or [])
        between = self.entries(keys.items("between") or [])
        if variable is None or through is None or not entries:
            return None
        start = keys.node("start")
        return Ramp(
            variable=variable,
            start=bare(start) if start else None,
            through=through,
            entries=entries,
            between=between,
            never=self._condition(keys, "never"),
            source=str(keys.mark("ramp")),
        )

    def _known_list(self, keys: Keys, key: str) -> tuple[object, ...] | str | None:
        node = keys.node(key)
        if isinstance(node, Scalar) and is_template(node.value):
            return keys.text(key)
        nodes = keys.items(key)
        if nodes is None:
            return None
        for part in nodes:
            if not isinstance(part, Scalar) or part.value is None:
                keys.wrong(f"an item of {key}", part, "a single value")
                return None
        return tuple(bare(part) for part in nodes)

    def _condition(self, keys: Keys, key: str) -> str | None:
        text = keys.text(key) if key in keys else None
        if text is None:
            return None
        template = read_template(text)
        if is_template(text) and (template.expression is not None or template.trouble):
            return text
        mark = keys.pairs.nodes[key].mark
        keys.fault(mark, f"{key} is not one whole expression", f'{key}: "{{{{ {text} }}}}"')
        return None

    def _step(self, node: Pairs) -> Step | None:
        named = node.nodes["step"]
        keys = Keys(node, f"step {named.value}" if isinstance(named, Scalar) else "", self.faults)
        name = keys.name("step")
        kinds = [kind for kind in _KINDS if kind in node.nodes]
        if len(kinds) != 1:
            self._kind_fault(keys, kinds)
            return None
        kind = kinds[0]
        if kind in _ALLOWED:
            keys.only(_ALLOWED[kind])
        uses = kind if kind in _ALLOWED else keys.text(kind)
        approval, limits = self._approval(keys) if kind == "approval" else (None, keys)
        text = keys.text("manual") if kind == "manual" else None
        if name is None or uses is None or (kind == "approval" and approval is None):
            return None
        return Step(
            name=name,
            kind=StepKind(kind),
            uses=uses,
            at=keys.text("at"),
            purpose=keys.choice("purpose", Purpose),
            budget=limits.duration("budget"),
            deadline=limits.duration("deadline"),
            attempts=keys.count("attempts"),
            every=keys.duration("every"),
            passes=keys.count("passes") or 1,
            on_failure=keys.choice("on_failure", OnFailure),
            when=self._condition(keys, "when"),
            repeatable=keys.flag("repeatable") or False,
            approval=approval,
            instructions=text,
            owner=keys.name("owner") if kind == "manual" else None,
            source=str(keys.mark("step")),
            fields=self._fields(keys) if kind not in _ALLOWED else {},
            sources=_sources(node),
        )

    def _kind_fault(self, keys: Keys, kinds: list[str]) -> None:
        if kinds:
            what = f"{kinds[0]} and {kinds[1]} in one step"
            keys.fault(keys.mark(kinds[1]), what, "a step does one thing")
            return
        hints = (did_you_mean(key, _KINDS) for key in keys.pairs.nodes if key not in ENGINE_KEYS)
        hint = next((text for text in hints if text), "")
        keys.fault(keys.mark("step"), f"says nothing to do: none of {one_of(_KINDS)}", hint)

    def _approval(self, keys: Keys) -> tuple[Approval | None, Keys]:
        inner = keys.inner("approval")
        if inner is None:
            return None, keys
        inner.only({"of", "count", "budget", "deadline", "otherwise"})
        inner.need("of", "of: ROLE, one of the inventory's roles")
        otherwise = inner.text("otherwise") or "abort"
        if otherwise not in _OTHERWISE:
            inner.wrong("otherwise", inner.pairs.nodes["otherwise"], one_of(_OTHERWISE))
            otherwise = "abort"
        of = inner.name("of")
        count = inner.count("count")
        return (Approval(of=of, count=count, otherwise=otherwise) if of else None), inner

    def _fields(self, keys: Keys) -> Fields:
        own = {key: bare(node) for key, node in keys.pairs.nodes.items() if key not in ENGINE_KEYS}
        within = keys.inner("with")
        for key in within.pairs.nodes if within else ():
            if key in own:
                keys.fault(within.mark(key) if within else keys.mark(), f"key {key} stands twice")
        return {**own, **{k: bare(n) for k, n in within.pairs.nodes.items()}} if within else own


def _name_of(node: Node) -> str | None:
    """The name of a step of which nothing else could be read."""
    named = node.nodes.get("step") if isinstance(node, Pairs) else None
    name = str(named.value) if isinstance(named, Scalar) else ""
    return name if is_name(name) else None


def _sources(node: Pairs) -> dict[str, str]:
    """The places of a step's values, those under ``with`` as if they stood beside it."""
    found = {}
    for key, part in node.nodes.items():
        base = "" if key == "with" else key
        if base:
            found[f"@{key}"] = str(node.keys[key])
        for path, inner in walk(part, base):
            if path:
                found[path] = str(inner.mark)
        if key == "with" and isinstance(part, Pairs):
            found.update({f"@{name}": str(mark) for name, mark in part.keys.items()})
    return found
