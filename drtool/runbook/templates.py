"""Jinja2 expressions over frozen attribute objects: what they may say, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from drtool.units import Duration

# fmt: off
FILTERS = frozenset({
    "abs", "default", "first", "float", "int", "join", "last", "length", "lower", "max", "min",
    "replace", "round", "sort", "string", "sum", "title", "trim", "unique", "upper",
})
# fmt: on
TESTS = frozenset({"defined", "none", "number", "odd", "even", "string", "undefined", "in"})
_ALLOWED = (
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.Pos,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Concat,
    nodes.CondExpr,
)
_NAMED: dict[type[nodes.Node], str] = {
    nodes.Call: "calls something",
    nodes.Pow: "uses a power",
    nodes.Dict: "builds a mapping",
    nodes.Slice: "cuts a slice",
}
Path = tuple[str, ...]
_WORD = r"[A-Za-z][A-Za-z0-9_]*"
_NAME = re.compile(rf"\{{\{{\s*({_WORD}(?:\.{_WORD})*)\s*\}}\}}")
_RESERVED = frozenset(
    {"true", "false", "none", "True", "False", "None", "not", "and", "or", "if", "else", "in", "is"}
)


class Shown:
    """An object whose attributes a template may read, and nothing else.

    ``get`` gives the value of an attribute, or None when there is none.
    """

    def __init__(self, get: Callable[[str], object]) -> None:
        self.get = get


class Environment(ImmutableSandboxedEnvironment):
    """A sandbox in which only what is Shown has attributes."""

    intercepted_binops = frozenset({"*", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        """An attribute of something shown; undefined for everything else."""
        found = obj.get(attribute) if isinstance(obj, Shown) else None
        return self.undefined(hint=f"{attribute} is not there") if found is None else found

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic, which stays with numbers."""
        if not all(isinstance(side, int | float) for side in (left, right)):
            msg = f"{operator} wants numbers on both sides"
            raise SecurityError(msg)
        return super().call_binop(context, operator, left, right)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The one environment that every template is read in."""
    made = Environment(
        undefined=StrictUndefined, autoescape=False, cache_size=0, keep_trailing_newline=True
    )
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.filters["seconds"] = _seconds
    made.tests = {name: made.tests[name] for name in made.tests if name in TESTS}
    made.globals = {}
    return made


def _seconds(value: object) -> float:
    return Duration.parse(value).seconds


@dataclass(frozen=True, slots=True)
class Template:
    """A template as it was read.

    ``expression`` is the text between the braces when the template is one whole expression, so
    that its value keeps its type. ``parts`` are its texts and names when there is nothing else
    to it, which is most often so, and costs no compiling. ``references`` are the dotted names
    it speaks of; ``optional`` are those that may be missing (behind ``default``, ``defined``).
    """

    text: str
    expression: str | None = None
    parts: tuple[str | Path, ...] = ()
    references: tuple[Path, ...] = ()
    optional: frozenset[Path] = frozenset()
    trouble: str = ""
    hint: str = ""


def is_template(text: object) -> bool:
    """Whether a value is text with Jinja2's marks in it."""
    return isinstance(text, str) and ("{{" in text or "{%" in text or "{#" in text)


@lru_cache(maxsize=8192)
def read_template(text: str) -> Template:
    """Parse a template and judge what it says; ``trouble`` is a sentence when it may not."""
    simple = _simple(text)
    if simple:
        return simple
    try:
        tree = environment().parse(text)
    except TemplateSyntaxError as error:
        return Template(text, trouble=f"template is not readable: {error.message}")
    except RecursionError:
        return Template(text, trouble="template is nested too deeply")
    trouble = next(_troubles(tree), None)
    if trouble:
        return Template(text, trouble=trouble[0], hint=trouble[1])
    references = tuple(dict.fromkeys(path for path, _ in _references(tree, optional=False)))
    lenient = frozenset(path for path, optional in _references(tree, optional=False) if optional)
    whole = _whole(tree, text)
    return Template(text, expression=whole, references=references, optional=lenient)


@lru_cache(maxsize=8192)
def compiled(expression: str) -> TemplateExpression:
    """A whole expression, ready to be called; an undefined result stays undefined."""
    return environment().compile_expression(expression, undefined_to_none=False)


def texts_in(text: str) -> list[str]:
    """The texts that are written in a readable template's expressions."""
    consts = environment().parse(text).find_all(nodes.Const)
    return [const.value for const in consts if isinstance(const.value, str)]


def _simple(text: str) -> Template | None:
    """A template that is only texts and dotted names; None for any other."""
    pieces = _NAME.split(text)
    names = tuple(tuple(name.split(".")) for name in pieces[1::2])
    plain = not any(
        is_template(piece) or "}}" in piece or piece.endswith("{") for piece in pieces[::2]
    )
    if not names or not plain or any(_RESERVED & set(path) for path in names):
        return None
    parts: list[str | Path] = []
    for position, piece in enumerate(pieces):
        if position % 2:
            parts.append(names[position // 2])
        elif piece:
            parts.append(piece)
    expression = pieces[1] if len(parts) == 1 else None
    references = tuple(dict.fromkeys(names))
    return Template(text, expression=expression, parts=tuple(parts), references=references)


def _whole(tree: nodes.Template, text: str) -> str | None:
    """The expression, when the template is that and nothing beside it."""
    outputs = [node for node in tree.body if isinstance(node, nodes.Output)]
    parts = [part for output in outputs for part in output.nodes]
    if len(parts) != 1 or isinstance(parts[0], nodes.TemplateData):
        return None
    inner = text.strip()
    if not (inner.startswith("{{") and inner.endswith("}}")):
        return None
    return inner[2:-2].strip().removeprefix("-").removesuffix("-").strip()


def _troubles(tree: nodes.Node) -> Iterator[tuple[str, str]]:
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
            yield f"template reaches into internals: {node.attr}", ""
        elif isinstance(node, nodes.Name) and node.name.startswith("_"):
            yield f"template reaches into internals: {node.name}", ""
        elif isinstance(node, nodes.Getitem) and not _is_index(node):
            yield "template looks up by a key", "write a.b instead of a['b']"
        elif isinstance(node, nodes.Filter) and node.name not in environment().filters:
            known = ", ".join(sorted(environment().filters))
            yield f"template uses the unknown filter {node.name}", f"filters are {known}"
        elif isinstance(node, nodes.Test) and node.name not in environment().tests:
            yield f"template uses the unknown test {node.name}", ""
        elif not isinstance(node, (*_ALLOWED, nodes.Keyword, nodes.Template)):
            yield (
                f"template {_NAMED.get(type(node), 'has a statement')}",
                "a template is only {{ an expression }}, without calls or statements",
            )


def _is_index(node: nodes.Getitem) -> bool:
    return isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, int)


def _references(node: nodes.Node, *, optional: bool) -> Iterator[tuple[Path, bool]]:
    """Every longest dotted name, and whether the template can do without it."""
    path = _dotted(node)
    if path:
        yield path, optional
        return
    lenient = (isinstance(node, nodes.Filter) and node.name == "default") or (
        isinstance(node, nodes.Test) and node.name in {"defined", "undefined"}
    )
    for field, child in _children(node):
        yield from _references(child, optional=optional or (lenient and field == "node"))


def _children(node: nodes.Node) -> Iterator[tuple[str, nodes.Node]]:
    for field, value in node.iter_fields():
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, nodes.Node):
                yield field, child


def _dotted(node: nodes.Node) -> Path:
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        inner = _dotted(node.node)
        return (*inner, node.attr) if inner else ()
    return ()
