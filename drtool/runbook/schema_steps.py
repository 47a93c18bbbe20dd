"""The JSON Schema of the entries of blocks and procedures, each action with its own fields."""

from __future__ import annotations

from typing import Any

from drtool.action import Entry, Target
from drtool.catalog import Catalog, kind_of
from drtool.errors import BadInput
from drtool.model.purpose import OnFailure, Purpose, StepKind
from drtool.model.value import NAME
from drtool.runbook.schema_values import (
    DURATION,
    REF,
    TEMPLATE,
    Schema,
    having,
    or_template,
    schemas_of,
)

EXPRESSION: Schema = {"type": "string", "pattern": r"^\s*\{\{[\s\S]*\}\}\s*$"}
_NAME: Schema = {"type": "string", "pattern": NAME, "maxLength": 63}
_COUNT: Schema = {"type": "integer", "minimum": 1, "maximum": 10_000}
_STEPS: Schema = {"type": "array", "minItems": 1, "items": {"$ref": f"{REF}entry"}}
_KNOWN_LIST: Schema = {
    "type": ["array", "string"],
    "minItems": 1,
    "items": {"type": ["string", "number", "boolean"]},
    "pattern": TEMPLATE["pattern"],
}
_KEYS: dict[str, tuple[Schema, str]] = {
    "step": (_NAME, "The step's name, unique in its procedure."),
    "at": (
        {"anyOf": [{"enum": ["to", "from", "others"]}, {"type": "string", "minLength": 1}]},
        "Where it acts: a side of the run, `to.orders_db`, or a site by its name.",
    ),
    "budget": (DURATION, "How long it should take."),
    "deadline": (DURATION, "The limit over all its attempts."),
    "attempts": (_COUNT, "How often it is tried at most."),
    "every": (DURATION, "The pause between two tries."),
    "passes": (_COUNT, "How many successes in a row are wanted."),
    "on_failure": ({"enum": [one.value for one in OnFailure]}, "What the run does when it fails."),
    "when": (EXPRESSION, "An expression; the step is skipped unless it holds."),
    "repeatable": ({"type": "boolean"}, "Whether it may run again when it is in doubt."),
    "purpose": ({"enum": [one.value for one in Purpose]}, "What it is for."),
}
_FORMS: dict[str, Schema] = {
    "use": {
        "use": {"description": "The steps of a block.", **_NAME},
        "as": {"description": "A prefix, when the block is used twice.", **_NAME},
    },
    "parallel": {"parallel": {"description": "Entries side by side.", **_STEPS}},
    "each": {
        "each": {"description": "The same steps for each item; its name in templates.", **_NAME},
        "in": {"description": "The list, known when planned.", **_KNOWN_LIST},
        "pace": {"description": "How many at once.", "default": 1, **_COUNT},
        "steps": {"description": "The steps.", **_STEPS},
    },
    "ramp": {
        "ramp": {"description": "A value in stages; its name in templates.", **_NAME},
        "start": {"description": "What stands before the first stage."},
        "through": {"description": "The stages.", **_KNOWN_LIST},
        "steps": {"description": "The steps.", **_STEPS},
        "between": {"description": "Looks after each stage.", **_STEPS},
        "never": {"description": "An expression that refuses a stage.", **EXPRESSION},
    },
}
_LIMITS = ("at", "budget", "deadline", "on_failure", "when")
_HUMAN = ("approval", "manual")
_KINDS = {
    StepKind.ACTION: ("action", "What it changes."),
    StepKind.COMMAND: ("action", ""),
    StepKind.CHECK: ("check", "What it looks at and judges."),
    StepKind.NOTICE: ("notice", "Whom it tells."),
}


def step_definitions(catalog: Catalog) -> Schema:
    """Everything that ``#/definitions/entry`` needs; actions that cannot be loaded are left out."""
    loaded = {name: entry for name in catalog.names() if (entry := _loaded(catalog, name))}
    fields, shared = schemas_of(loaded.values())
    definitions: Schema = {name: or_template(part) for name, part in shared.items()}
    definitions["key"] = {"properties": {key: _key(key) for key in _KEYS}}
    for (name, entry), own in zip(loaded.items(), fields, strict=True):
        definitions[name] = _step_of(name, entry, or_template(own))
    return (
        definitions | _choices(loaded) | {"approval": _approval(), "manual": _manual()} | _forms()
    )


def _loaded(catalog: Catalog, name: str) -> type[Entry] | None:
    try:
        return catalog.get(name)
    except BadInput:
        return None


def _key(key: str) -> Schema:
    schema, about = _KEYS[key]
    return {"description": about, **schema}


def _keys(*names: str) -> Schema:
    """Keys of the engine, by reference."""
    return {name: {"$ref": f"{REF}key/properties/{name}"} for name in names}


def _closed(properties: Schema, *required: str, **more: Any) -> Schema:
    made = {"properties": properties, "additionalProperties": False, **more}
    return {**made, "required": list(required)} if required else made


def _step_of(name: str, entry: type[Entry], own: Schema) -> Schema:
    """One action's step: the engine's keys, and its fields beside them or under ``with``."""
    kind = kind_of(entry)
    names = [key for key in _KEYS if key not in {"purpose", "repeatable"}]
    names += ["purpose"] if entry.may_set_purpose else []
    names += ["repeatable"] if kind is StepKind.COMMAND else []
    fields = own.get("properties", {})
    within = {key: {"$ref": f"{REF}{name}/properties/{key}"} for key in fields}
    properties = {
        **fields,
        **_keys(*names),
        _KINDS[kind][0]: True,
        "with": {
            "type": "object",
            "description": "The fields, when they are many.",
            **_closed(within),
        },
    }
    needs_place = entry.target in {Target.HOST, Target.SYSTEM}
    made = _closed(properties, *(["at"] if needs_place else []), description=own["description"])
    required = own.get("required", [])
    if required:
        made["anyOf"] = [{"required": required}, {"required": ["with"]}]
    return made


def _approval() -> Schema:
    asked = {
        "of": {"description": "A role of the inventory.", **_NAME},
        "count": {"description": "How many of them; default: what the role needs.", **_COUNT},
        **_keys("budget", "deadline"),
        "otherwise": {"description": "When nobody answers in time.", "enum": ["abort", "stop"]},
    }
    about = "A human's consent to the exact changes."
    approval = {"type": "object", "description": about, **_closed(asked, "of")}
    return _closed({**_keys("step", "when"), "approval": approval})


def _manual() -> Schema:
    text = {"type": "string", "minLength": 1, "description": "Work that a human does, as text."}
    owner = {"description": "The person or the role whose work it is.", **_NAME}
    return _closed({**_keys("step", "purpose", *_LIMITS), "manual": text, "owner": owner})


def _choices(loaded: dict[str, type[Entry]]) -> Schema:
    """One step, told by what it does: by the key, then the technology, then the whole name.

    An editor tries every condition that it meets: asked one by one they would cost it time.
    """
    named: dict[str, dict[str, list[str]]] = {}
    for name, entry in loaded.items():
        word = _KINDS[kind_of(entry)][0]
        named.setdefault(word, {}).setdefault(name.partition(".")[0], []).append(name)
    definitions = {word: _choice(word, by, loaded) for word, by in named.items()}
    keys = {word: definitions[word]["properties"][word] for word in named}
    keys |= {word: {"$ref": f"{REF}{word}/properties/{word}"} for word in _HUMAN}
    parts = [{"if": having(word), "then": {"$ref": REF + word}} for word in keys]
    return {**definitions, "step": {"allOf": [_until_chosen(keys), *parts]}}


def _choice(word: str, by: dict[str, list[str]], loaded: dict[str, type[Entry]]) -> Schema:
    """The steps of one key: which names there are, and what each brings."""
    names = [name for several in by.values() for name in several]
    about = next(text for key, text in _KINDS.values() if key == word)
    told = [(loaded[name].__doc__ or "").strip().partition("\n")[0] for name in names]
    listed = {"description": about, "enum": names, "markdownEnumDescriptions": told}
    parts = []
    for technology, several in by.items():
        within = [{"if": having(word, name), "then": {"$ref": REF + name}} for name in several]
        of_it = {"properties": {word: {"type": "string", "pattern": rf"^{technology}\."}}}
        parts.append({"if": {**having(word), **of_it}, "then": {"allOf": within}})
    return {"properties": {word: listed}, "allOf": parts}


def _until_chosen(words: Schema, **rest: Any) -> Schema:
    """One of several keys must be there; they are offered only while none is."""
    none = {"type": "object", "not": {"anyOf": [{"required": [word]} for word in words]}}
    first = next(iter(words))
    return {"if": none, "then": {"properties": words, "required": [first], **rest}}


def _forms() -> Schema:
    """An entry by the key that says what it is; a list is a branch of steps."""
    begun = {**_keys("step"), **{word: form[word] for word, form in _FORMS.items()}}
    entry = {
        "type": ["object", "array"],
        "minItems": 1,
        "items": {"$ref": f"{REF}entry"},
        "allOf": [
            _until_chosen(begun, additionalProperties=False),
            *({"if": having(word), "then": {"$ref": REF + word}} for word in ("step", *_FORMS)),
        ],
    }
    wanted = {"each": ("in", "steps"), "ramp": ("through", "steps")}
    forms = {word: _closed(form, *wanted.get(word, ())) for word, form in _FORMS.items()}
    return {**forms, "entry": entry}
