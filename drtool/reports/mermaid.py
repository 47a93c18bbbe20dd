"""A plan as a Mermaid flowchart: text that wikis and code reviews draw.

Source: https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Purpose, StepKind
from drtool.reports.ahead import facts, look_ahead, title

_SHAPES = {
    StepKind.ACTION: ("[", "]"),
    StepKind.COMMAND: ("[", "]"),
    StepKind.CHECK: ("([", "])"),
    StepKind.NOTICE: (">", "]"),
    StepKind.APPROVAL: ("{{", "}}"),
    StepKind.MANUAL: ("[/", "/]"),
}
_CLASSES = (
    "classDef phase fill:none,stroke:#7b8794",
    "classDef critical stroke-width:3px,stroke:#b3261e",
    "classDef person fill:#fdf1dc,stroke:#d99a1c,color:#171a21",
    "classDef spare stroke-dasharray:4 4",
)


def to_mermaid(plan: Plan) -> str:
    """The plan as a flowchart: phases as subgraphs, the critical path in thick lines."""
    numbers = {step.name: f"s{number}" for number, step in enumerate(plan.steps, 1)}
    lines = [
        "---",
        f'title: "{title(plan)}"',
        "---",
        f"%% {facts(plan)}",
        f"%% {look_ahead(plan).text()}",
        "flowchart LR",
        *(f"  {line}" for line in _phases(plan, numbers)),
        *(f"  {line}" for line in _edges(plan, numbers)),
        *(f"  {line}" for line in _CLASSES),
        *(f"  {line}" for line in _classed(plan, numbers)),
    ]
    return "\n".join(lines) + "\n"


def _phases(plan: Plan, numbers: dict[str, str]) -> Iterator[str]:
    """Steps of one purpose in a row; before the first promotion stands the point of no return."""
    passed = False
    for number, (purpose, steps) in enumerate(groupby(plan.steps, lambda s: s.purpose), 1):
        mark = ""
        if purpose is Purpose.PROMOTE and not passed:
            passed, mark = True, ": the point of no return"
        yield f'subgraph p{number} ["{purpose.value}{mark}"]'
        for step in steps:
            before, after = _SHAPES[step.kind]
            yield f'  {numbers[step.name]}{before}"{_label(step)}"{after}'
        yield "end"
        yield f"class p{number} phase"


def _label(step: PlanStep) -> str:
    what = f"consent of {step.approval.of}" if step.approval else step.action
    parts = [f"<b>{_text(step.name)}</b>", _text(what)]
    if step.place:
        parts.append(f"at {_text(str(step.place))}")
    parts.append(f"{step.counted}" + ("" if step.budget else " assumed"))
    return "<br/>".join(parts)


def _text(text: str) -> str:
    """Text as a label may hold it; entities are written with a hash."""
    return "".join(one if one.isalnum() or one in " ._-/:" else f"#{ord(one)};" for one in text)


def _edges(plan: Plan, numbers: dict[str, str]) -> Iterator[str]:
    """What follows what; a way back of a ramp is dotted."""
    longest = set(zip(plan.critical_path, plan.critical_path[1:], strict=False))
    for step in plan.steps:
        for need in step.needs:
            if step.rescues:
                continue
            thick = (need, step.name) in longest
            yield f"{numbers[need]} {'==>' if thick else '-->'} {numbers[step.name]}"
        for failed in step.rescues:
            yield f"{numbers[failed]} -. on failure .-> {numbers[step.name]}"


def _classed(plan: Plan, numbers: dict[str, str]) -> Iterator[str]:
    human = {StepKind.APPROVAL, StepKind.MANUAL}
    wanted = {
        "critical": [s for s in plan.steps if s.name in plan.critical_path],
        "person": [s for s in plan.steps if s.kind in human],
        "spare": [s for s in plan.steps if s.rescues],
    }
    for name, steps in wanted.items():
        if steps:
            yield f"class {','.join(numbers[step.name] for step in steps)} {name}"
