"""Find the secrets that a command is given in clear: in assignments, headers and options.

What stands open is no secret: a variable, a template, a path to where the secret lies.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

_SECRET = re.compile(r"password|passwd|token|secret", re.IGNORECASE)
_VALUE = r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"';&|]+)"
_ASSIGNMENT = re.compile(rf"(?<!\w)(?P<name>\w+)=(?!=){_VALUE}")
_HEADER = re.compile(
    rf"(?:authorization:\s*(?:bearer|basic|token)\s+|x-api-key:\s*){_VALUE}", re.IGNORECASE
)
_OPTION = re.compile(r"--?(?!(?:no|without|ask)-)(?:\w+-)*\w+", re.IGNORECASE)
_LAST = re.compile(r"(?:password|passwd|token|secret)$", re.IGNORECASE)
# names of what leads to a secret, or is about one
_ABOUT = re.compile(r"(?:file|path|dir|command|url|name|arn|ttl|length)$", re.IGNORECASE)
_OPEN = ("$", "`", "{", "/", "./", "../", "~", "@", "-", "env:", "file:")
_SAID = frozenset({"", "true", "false", "yes", "no", "none", "null"})
_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_LOGIN = frozenset({"-u", "--user", "-U", "--proxy-user"})
_LOGIN_IN_ONE = re.compile(r"(?:-u|-U|--user=|--proxy-user=)(.+)", re.DOTALL)
_SHELL = re.compile(r"-\w*c")
_ENDS = re.compile(r".*;|&&|\|\|?|&")


def without_templates(text: str) -> str:
    """A text in which each expression is an empty pair of braces."""
    return _TEMPLATE.sub("{}", text)


def gives_secret(text: str) -> bool:
    """Whether a text, without its templates, assigns a secret or holds one in a header."""
    assigned = any(
        _SECRET.search(found["name"])
        and not _ABOUT.search(found["name"])
        and not _is_variable(found["value"])
        for found in _ASSIGNMENT.finditer(text)
    )
    return assigned or any(not _is_variable(found["value"]) for found in _HEADER.finditer(text))


def given_in(words: Sequence[object]) -> set[int]:
    """The places of those words of a command that are secrets, by the words before them."""
    texts = [without_templates(word) if isinstance(word, str) else "" for word in words]
    found, curl, before = set(), False, ""
    for place, text in enumerate(texts):
        asked = _asks(before) and not text.startswith(_OPEN) and text.lower() not in _SAID
        login = curl and _is_login(before, text)
        script = _SHELL.fullmatch(before) is not None and bool(given_in(_split(text)))
        if asked or login or script:
            found.add(place)
        curl = (curl or text.rpartition("/")[2] == "curl") and not _ENDS.fullmatch(text)
        before = text
    return found


def _asks(option: str) -> bool:
    """Whether the next word is an option's secret."""
    return _OPTION.fullmatch(option) is not None and _LAST.search(option) is not None


def _is_login(before: str, text: str) -> bool:
    """Whether curl is given a name with its password."""
    in_one = _LOGIN_IN_ONE.fullmatch(text)
    login = text if before in _LOGIN else in_one[1] if in_one else ""
    name, _, password = login.partition(":")
    return bool(name and password) and not _is_variable(password)


def _is_variable(value: str) -> bool:
    """Whether a value is taken from elsewhere, or says only yes or no."""
    bare = value.strip("\"'")
    return bare.startswith(("$", "`", "{")) or bare.lower() in _SAID


def _split(script: str) -> list[str]:
    """The words of a shell's script."""
    try:
        return shlex.split(script)
    except ValueError:
        return script.split()
