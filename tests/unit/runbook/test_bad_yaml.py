"""The YAML rows of the bad-input list: each gives its place, its reason and its fix."""

# ruff: noqa: E501 - messages stand as they are told

from __future__ import annotations

from pathlib import Path

import pytest
from good_documents import INVENTORY, RUNBOOK, Lint

from drtool.runbook.document import read_document
from drtool.runbook.marks import FaultList, bare

BOMB = b"a: &a [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n".encode()
    for before, name in zip("abcde", "bcdef", strict=True)
)
ROWS: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", ["f.yaml:1:1: the file is empty\n  hint: it starts with version: 1"]),
    "only a comment": (
        b"# nothing\n",
        ["f.yaml:1:1: the file is empty\n  hint: it starts with version: 1"],
    ),
    "not a mapping": (
        b"- a\n",
        ["f.yaml:1:1: the document is not a mapping\n  hint: it starts with version: 1"],
    ),
    "tab": (
        b"a:\n\tb: 1\n",
        ["f.yaml:2:1: a tab in the indentation\n  hint: indent with spaces"],
    ),
    "tab after spaces": (
        b"a:\n  b: 1\n  \tc: 1\n",
        ["f.yaml:3:3: a tab in the indentation\n  hint: indent with spaces"],
    ),
    "duplicate key": (
        b"a: 1\nb: 2\na: 3\n",
        ["f.yaml:3:1: key a stands twice, here and in line 1\n  hint: keep one"],
    ),
    "python object": (
        b"a: !!python/object/apply:os.system [x]\n",
        [
            (
                "f.yaml:1:4: tag !!python/object/apply:os.system is not allowed\n"
                "  hint: values need no tags"
            )
        ],
    ),
    "own tag": (b"a: !x 1\n", ["f.yaml:1:4: tag !x is not allowed\n  hint: values need no tags"]),
    "alias bomb": (BOMB, ["f.yaml:5:44: aliases make more than 100,000 values of it"]),
    "recursive alias": (
        b"a: &a [*a]\n",
        ["f.yaml:1:8: alias *a stands within what it stands for"],
    ),
    "deeply recursive alias": (
        b"a: &a\n  b:\n    c: *a\n",
        ["f.yaml:3:8: alias *a stands within what it stands for"],
    ),
    "alias of nothing": (b"a: *b\n", ["f.yaml:1:4: alias *b has no anchor &b before it"]),
    "5 MB": (
        b"a: 1 # " + b"x" * 5_000_000,
        ["f.yaml:1:1: the file has 5,000,007 bytes, more than 1,000,000"],
    ),
    "200 levels": (
        b"a: " + b"[" * 200 + b"]" * 200,
        ["f.yaml:1:53: nested more than 50 levels deep"],
    ),
    "200 block levels": (
        b"".join(b"  " * depth + b"a:\n" for depth in range(200)),
        ["f.yaml:51:101: nested more than 50 levels deep"],
    ),
    "byte order mark": (
        b"\xef\xbb\xbfversion: 1\n",
        [
            "f.yaml:1:1: the file starts with a byte order mark\n  hint: save it as UTF-8 without BOM"
        ],
    ),
    "UTF-16": (
        "version: 1".encode("utf-16"),
        ["f.yaml:1:1: the file is UTF-16\n  hint: save it as UTF-8"],
    ),
    "UTF-16 without its mark": (
        "version: 1".encode("utf-16-be"),
        ["f.yaml:1:1: the file is UTF-16\n  hint: save it as UTF-8"],
    ),
    "NUL": (
        b"a: 1\nb: x\0y\n",
        ["f.yaml:2:5: the character U+0000 cannot stand in YAML\n  hint: remove it"],
    ),
    "NUL first": (
        b"\0a: 1\n",
        ["f.yaml:1:1: the character U+0000 cannot stand in YAML\n  hint: remove it"],
    ),
    "Latin-1": (
        b"a: 1\nb: caf\xe9\n",
        ["f.yaml:2:7: not UTF-8\n  hint: save the file as UTF-8"],
    ),
    "second document": (
        b"a: 1\n---\nb: 2\n",
        ["f.yaml:2:1: a second document begins\n  hint: one file, one document"],
    ),
    "unclosed": (
        b"a: [1, 2\nb: 3\n",
        ["f.yaml:2:2: not YAML: did not find expected ',' or ']' (while parsing a flow sequence)"],
    ),
    "template without quotes": (
        b"a: {{ x }}\n",
        ['f.yaml:1:5: a key is not text\n  hint: quote a template: "{{ ... }}"'],
    ),
    "merge key": (
        b"a: 1\n<<: {b: 2}\n",
        ["f.yaml:2:1: merge keys (<<) are not part of YAML 1.2\n  hint: write a block"],
    ),
    "octal": (
        b"a: 010\n",
        [
            (
                "f.yaml:1:4: 010 is 8-based to some readers of YAML and 10-based to others\n"
                '  hint: 10 is the number, "010" is text'
            )
        ],
    ),
    "exponent": (
        b"a: 1e3\n",
        [
            (
                "f.yaml:1:4: 1e3 is a number to some readers of YAML and text to others\n"
                '  hint: 1000 is the number, "1e3" is text'
            )
        ],
    ),
    "sexagesimal": (
        b"a: 12:30\n",
        [
            (
                "f.yaml:1:4: 12:30 is a 60-based number to some readers of YAML and text to others\n"
                '  hint: "12:30" is text'
            )
        ],
    ),
    "date": (
        b"a: 2030-01-01\n",
        [
            (
                "f.yaml:1:4: 2030-01-01 is a date to some readers of YAML and text to others\n"
                '  hint: "2030-01-01" is text'
            )
        ],
    ),
    "underscores": (
        b"a: 1_000\n",
        [
            (
                "f.yaml:1:4: 1_000 is a number to some readers of YAML and text to others\n"
                '  hint: 1000 is the number, "1_000" is text'
            )
        ],
    ),
    "infinite": (
        b"a: .inf\n",
        ['f.yaml:1:4: .inf is not a finite number\n  hint: ".inf" is text'],
    ),
    "not a number": (
        b"a: .nan\n",
        ['f.yaml:1:4: .nan is not a finite number\n  hint: ".nan" is text'],
    ),
    "several at once": (
        b"a: 010\nb: !x 1\na: 2\n",
        [
            (
                "f.yaml:1:4: 010 is 8-based to some readers of YAML and 10-based to others\n"
                '  hint: 10 is the number, "010" is text'
            ),
            "f.yaml:2:4: tag !x is not allowed\n  hint: values need no tags",
            "f.yaml:3:1: key a stands twice, here and in line 1\n  hint: keep one",
        ],
    ),
}


@pytest.mark.parametrize(("raw", "expected"), ROWS.values(), ids=ROWS.keys())
def test_told_with_place_reason_and_fix(
    raw: bytes, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.yaml").write_bytes(raw)
    faults = FaultList()

    read_document(Path("f.yaml"), faults)

    assert list(faults.lines()) == expected


def test_scalars_resolve_by_the_core_schema(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(
        "a: [on, off, yes, no, y, true, False, null, ~, '', 10, -3, 0o17, 0x1f, 1.5, .5, 1., "
        "'010', v1, 1.2.3, 10s, 192.0.2.1, +, -, 'x: y']\n"
    )
    faults = FaultList()

    root = read_document(path, faults)

    assert not faults.lines()
    assert root is not None
    # fmt: off
    assert bare(root) == {"a": [
        "on", "off", "yes", "no", "y", True, False, None, None, "", 10, -3, 15, 31, 1.5, 0.5, 1.0,
        "010", "v1", "1.2.3", "10s", "192.0.2.1", "+", "-", "x: y",
    ]}
    # fmt: on


def test_an_alias_is_what_it_stands_for(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("a: &it {b: 1}\nc: *it\n")

    root = read_document(path, FaultList())

    assert root is not None
    assert bare(root) == {"a": {"b": 1}, "c": {"b": 1}}


def test_a_flood_of_faults_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("x: 1\n" * 2_001)
    faults = FaultList()

    read_document(path, faults)

    assert len(faults.lines()) == 101
    assert faults.lines()[-1] == "and 1,900 more faults"


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    faults = FaultList()

    read_document(Path("no.yaml"), faults)

    assert faults.lines() == (
        "no.yaml:1:1: cannot be read: No such file or directory\n  hint: check the path",
    )


def test_a_document_of_the_other_kind_is_one_fault(lint: Lint) -> None:
    assert lint(text=INVENTORY) == [
        "orders.yaml:1:1: this is an inventory, expected a runbook\n  hint: name the runbook: it names its inventory"
    ]
    assert lint(inventory=[(INVENTORY, RUNBOOK)]) == [
        "inventory.yaml:1:1: this is a runbook, expected an inventory\n  hint: --inventory FILE"
    ]
