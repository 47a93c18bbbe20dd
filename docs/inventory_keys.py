"""The page of all keys that an inventory may have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from tables import one_line, table, text, value

from drtool.model.inventory import Inventory
from drtool.model.secret import SecretRef
from drtool.verbs.type_words import type_in_words

ABOUT = """\
Everything that an inventory may say. [The language](language.md#inventory) shows a whole one and
explains it; `drtool schema inventory` gives the same to editors. A **secret** is
[a reference](language.md#secrets), never the secret itself.
"""


def inventory_keys() -> str:
    """The keys of an inventory, mapping by mapping."""
    parts = ["# The inventory, key by key\n", ABOUT, "## The document\n"]
    return "\n".join([*parts, *_keys_of(Inventory, "")])


def _keys_of(model: type[BaseModel], place: str) -> Iterator[str]:
    """A model's own keys, then those of the models below it."""
    fields = model.model_fields
    names = sorted(fields, key=lambda name: name != "kind")
    paths = {name: _path(place, name, fields[name]) for name in names}
    yield table(
        ("key", "type", "default", "what it is"),
        (
            (
                f"`{name}`",
                _type(fields[name], paths[name]),
                _default(fields[name]),
                one_line(fields[name].description),
            )
            for name in names
        ),
    )
    for name in names:
        for one in _models(fields[name].annotation):
            title = _titled(paths[name], one)
            yield f"## `{title}` {{ #{_anchor(title)} }}\n"
            yield text(one) + "\n"
            yield from _keys_of(one, paths[name])


def _path(place: str, name: str, field: FieldInfo) -> str:
    by_name = ".NAME" if get_origin(field.annotation) is dict else ""
    return f"{place}.{name}{by_name}".lstrip(".")


def _titled(path: str, model: type[BaseModel]) -> str:
    """The place of a mapping; where several kinds may stand, with its kind."""
    kind = model.model_fields.get("kind")
    return f"{path}, kind {get_args(kind.annotation)[0]}" if kind else path


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field holds; a reference to a secret is a value of its own."""
    if get_args(annotation):
        for inside in get_args(annotation):
            yield from _models(inside)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from () if annotation is SecretRef else (annotation,)


def _type(field: FieldInfo, path: str) -> str:
    titles = [_titled(path, one) for one in _models(field.annotation)]
    if not titles:
        return f"`{type_in_words(field.annotation)}`"
    links = [f"[{title.rpartition(', ')[2]}](#{_anchor(title)})" for title in titles]
    return f"by name: {' or '.join(links)}" if path.endswith(".NAME") else links[0]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    default = field.get_default()
    return "" if isinstance(default, BaseModel) else value(default)


def _anchor(title: str) -> str:
    return title.lower().replace(", kind ", "-").replace(".", "-").replace("_", "-")
