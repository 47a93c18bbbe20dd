"""The type of a field in words, for those who write YAML."""

from __future__ import annotations

import re
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

_WORDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "datetime": "time",
    "AwareDatetime": "time",
    "JsonValue": "any value",
    "SecretRef": "secret",
}


def type_in_words(annotation: Any) -> str:
    """What may be written for a field of that type, as in ``list of text``."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(map(str, inside))
    if origin in {Union, UnionType}:
        return " or ".join(type_in_words(each) for each in inside if each is not NoneType)
    if origin is not None:
        many = "mapping of " if origin is dict else "" if origin is Annotated else "list of "
        return many + type_in_words(inside[1 if origin is dict else 0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(str(each.value) for each in annotation)
    name = getattr(annotation, "__name__", str(annotation))
    return _WORDS.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
