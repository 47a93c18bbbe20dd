"""What templates may say, and what they become."""

# ruff: noqa: ISC004 - messages stand as they are told

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drtool.errors import BadInput
from drtool.runbook.rendering import RenderContext, holds, render, shown, shown_steps
from drtool.runbook.templates import environment, read_template

SEEN: dict[str, Any] = {
    "loss": {"seconds": 3.5, "note": "near", "ports": [1, 2], "deep": {"x": True}},
    "block.loss": {"seconds": 9.0},
    "block.inner.last": {"done": False},
}


def context(step: str = "step", **values: object) -> RenderContext:
    known: dict[str, object] = {
        "params": shown({"n": 3, "hosts": ["a", "b"], "word": "w"}),
        "steps": shown_steps(SEEN, step),
    }
    return RenderContext(f"step {step}", known | values)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ steps.loss.seconds }}", 3.5),
        ("{{ steps.loss.deep.x }}", True),
        ("{{ steps.loss.ports }}", [1, 2]),
        ("{{ steps.loss.ports[1] }}", 2),
        ("{{ params.n }}", 3),
        ("{{ params.n + 1 }}", 4),
        ("{{ params.n * 2 > 5 and not steps.block.inner.last.done }}", True),
        ("{{ params.n | string }}", "3"),
        ("n is {{ params.n }}", "n is 3"),
        ("{{ params.word }}{{ params.n }}\n", "w3\n"),
        ("{{ params.word | upper }}!", "W!"),
        ("{{ params.hosts | join(',') }}", "a,b"),
        ("{{ 'a' if params.n > 2 else 'b' }}", "a"),
        ("{{ params.none | default('d') }}", "d"),
        ("{{ params.none is defined }}", False),
        ("{{ '1m30s' | seconds }}", 90.0),
        ("{{- params.word -}}", "w"),
        ("{# nothing #}x", "x"),
        ("no template", "no template"),
    ],
)
def test_becomes(text: str, value: object) -> None:
    assert render({"key": text}, context())["key"] == value


@pytest.mark.parametrize(
    ("step", "value"),
    [("step", 3.5), ("block.step", 9.0), ("block.inner.step", 9.0), ("other.step", 3.5)],
)
def test_a_name_means_the_nearest_step(step: str, value: float) -> None:
    text = "{{ steps.loss.seconds }}"
    assert render({"key": text}, context(step))["key"] == value


def test_a_group_is_a_way_to_its_steps() -> None:
    assert render({"key": "{{ steps.block.loss.seconds }}"}, context())["key"] == 9.0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "{{ steps.nope.x }}",
            "step step: key: {{ steps.nope.x }} cannot be filled: steps.nope.x is not there",
        ),
        (
            "x {{ params.nope }}",
            "step step: key: x {{ params.nope }} cannot be filled: params.nope is not there",
        ),
        (
            "{{ params.n / 0 }}",
            "step step: key: {{ params.n / 0 }} cannot be filled: division by zero",
        ),
        (
            "{{ params.word * 1000000000 }}",
            "step step: key: {{ params.word * 1000000000 }} cannot be filled: * wants numbers on "
            "both sides",
        ),
        (
            "{{ '%1000000000d' % params.n }}",
            "step step: key: {{ '%1000000000d' % params.n }} cannot be filled: % wants numbers "
            "on both sides",
        ),
        (
            "{{ steps.loss }}",
            "step step: key: {{ steps.loss }} gives no plain value; expected a field of it",
        ),
        (
            "x {{ steps.loss }}",
            "step step: key: x {{ steps.loss }} gives no plain value; expected a field of it",
        ),
    ],
)
def test_cannot_be_filled(text: str, reason: str) -> None:
    with pytest.raises(BadInput) as wrong:
        render({"key": text}, context())
    assert wrong.value.line() == reason


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("{{ a.__class__ }}", "template reaches into internals: __class__"),
        ("{{ _a }}", "template reaches into internals: _a"),
        ("{{ a.b._c.d }}", "template reaches into internals: _c"),
        ("{{ a() }}", "template calls something"),
        ("{{ a.b('x') }}", "template calls something"),
        ("{{ a | map('x') }}", "template uses the unknown filter map"),
        ("{{ a | attr('x') }}", "template uses the unknown filter attr"),
        ("{{ a is callable }}", "template uses the unknown test callable"),
        ("{{ a['b'] }}", "template looks up by a key"),
        ("{{ a[b] }}", "template looks up by a key"),
        ("{{ a[1:2] }}", "template looks up by a key"),
        ("{{ {'a': 1} }}", "template builds a mapping"),
        ("{{ 9 ** 9 }}", "template uses a power"),
        ("{% for x in a %}{% endfor %}", "template has a statement"),
        ("{% include 'x' %}", "template has a statement"),
        (
            "{{ a",
            "template is not readable: unexpected end of template, "
            "expected 'end of print statement'.",
        ),
        ("{{ self.x }}", ""),
    ],
)
def test_may_not_say(text: str, trouble: str) -> None:
    assert read_template(text).trouble == trouble


def test_nothing_behind_the_braces_is_reachable() -> None:
    for name in ("self", "range", "dict", "cycler", "joiner", "namespace", "lipsum"):
        with pytest.raises(BadInput):
            render({"key": f"{{{{ {name}.x | string }}}}"}, context())


def test_an_argument_does_not_become_an_option() -> None:
    with pytest.raises(BadInput) as wrong:
        render({"argv": ["rm", "{{ params.word }}"]}, context(params=shown({"word": "-rf"})))
    assert wrong.value.line() == (
        "step step: argv.1 would become '-rf', an argument that starts with a dash; expected a "
        "value that cannot be taken for an option"
    )
    kept = render({"argv": ["-{{ params.word }}"]}, context())
    assert kept == {"argv": ["-w"]}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("{{ ['rm', steps.ls.out | trim] }}", "argv.1"),
        ("{{ steps.ls.lines }}", "argv.2"),
        ("{{ ['rm', '-r', steps.ls.flag] }}", "argv.2"),
        ("{{ ['rm', '-' ~ steps.ls.word] }}", "argv.1"),
        ("{{ ['sh', ['x', steps.ls.flag]] }}", "argv.1.1"),
        ("{{ steps.none.lines | default(steps.ls.lines) }}", "argv.2"),
    ],
)
def test_nor_does_one_of_a_list_that_an_expression_makes(text: str, key: str) -> None:
    seen: dict[str, Any] = {
        "ls": {"out": "-r\n", "lines": ["rm", "a", "-r"], "flag": "-r", "word": "r"}
    }
    with pytest.raises(BadInput) as wrong:
        render({"argv": text}, context(steps=shown_steps(seen, "step")))
    assert wrong.value.line() == (
        f"step step: {key} would become '-r', an argument that starts with a dash; expected a "
        "value that cannot be taken for an option"
    )


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("{{ ['rm', '-r', '--', params.word] }}", ["rm", "-r", "--", "w"]),
        ("{{ ['-r', params.word, '-r'] }}", ["-r", "w", "-r"]),
        ("{{ ['ls', '-l' if params.n > 2 else '-a'] }}", ["ls", "-l"]),
        ("{{ params.hosts }}", ["a", "b"]),
        ("{{ [0 - params.n] }}", [-3]),
        ("{{ steps.loss.ports }}", [1, 2]),
    ],
)
def test_what_is_written_in_the_expression_may_be_an_option(text: str, made: list[object]) -> None:
    assert render({"argv": text}, context()) == {"argv": made}


@pytest.mark.parametrize(
    ("text", "answer"),
    [("{{ steps.loss.seconds > 3 }}", True), ("{{ steps.loss.note == 'far' }}", False)],
)
def test_a_condition_holds_or_not(text: str, answer: bool) -> None:
    assert holds(text, context()) is answer


def test_a_condition_is_true_or_false() -> None:
    with pytest.raises(BadInput) as wrong:
        holds("{{ params.n }}", context())
    assert wrong.value.line() == (
        "step step: its condition {{ params.n }} gives 3; expected true or false"
    )


NAMES = st.sampled_from(["params.n", "params.word", "steps.loss.seconds", "steps.loss.note"])
PIECES = st.lists(st.one_of(st.text(alphabet="ab {}%\n-", max_size=6), NAMES), max_size=5)


@given(PIECES)
def test_the_short_way_gives_what_jinja_gives(pieces: list[str]) -> None:
    text = "".join(f"{{{{ {piece} }}}}" if "." in piece else piece for piece in pieces)
    template = read_template(text)
    if not template.parts:
        return
    known = context()
    if any(reference[0] not in known.values for reference in template.references):
        return
    if template.expression is not None:
        expected = environment().compile_expression(template.expression)(**known.values)
    else:
        expected = environment().from_string(text).render(**known.values)
    assert render({"key": text}, known)["key"] == expected
