"""Rules of people in an inventory: each key one person's, each role able to give its approvals."""

from __future__ import annotations

from drtool.model.people import Right
from drtool.model.public_key import key_alone
from drtool.runbook.inventory_nodes import Say, named_under
from drtool.runbook.mapping import did_you_mean
from drtool.runbook.marks import Items, Node, Pairs, Scalar, bare

_KEY = "keys: [ssh-ed25519 AAAA...], the one line of their .pub file"


def check_people(root: Pairs, say: Say) -> None:
    """Whose key is whose, and whether the people of each role can do what is asked of them."""
    people = dict(named_under(root, "people"))
    keyed = {name for name, person in people.items() if _nodes(person, "keys")}
    _one_key_one_person(people, say)
    for name, role in named_under(root, "roles"):
        members = [*_nodes(role, "people"), *_nodes(role, "deputies")]
        if people:
            _are_known(name, members, people, say)
        _enough(name, role, members, people if keyed else {}, say)
    node = root.nodes.get("people")
    if keyed and node and not any(_may(people[name], Right.OPERATE) for name in keyed):
        what = "people: nobody with a key may operate, so that nobody could start a run"
        say(node, what, "may: [operate, approve]")


def able(person: Pairs) -> bool:
    """Whether a person can approve where people prove who they are."""
    return bool(_nodes(person, "keys")) and _may(person, Right.APPROVE)


def _one_key_one_person(people: dict[str, Pairs], say: Say) -> None:
    seen: dict[str, str] = {}
    for name, person in people.items():
        for node in _nodes(person, "keys"):
            key = key_alone(_text(node))
            if key and key in seen:
                what = f"person {name}: this key is {seen[key]}'s too"
                if seen[key] == name:
                    what = f"person {name}: this key stands there twice"
                say(node, what, "a key says which person signed: one person each")
            seen.setdefault(key, name)


def _are_known(role: str, members: list[Node], people: dict[str, Pairs], say: Say) -> None:
    for node in members:
        person = _text(node)
        if person and person not in people:
            hint = did_you_mean(person, people) or f"people: {{NAME: {{{_KEY}}}}}"
            say(node, f"role {role}: {person} is not under people", hint)


def _enough(
    role: str, node: Pairs, members: list[Node], people: dict[str, Pairs], say: Say
) -> None:
    """Whether the approvals that the role owes can be given by different people."""
    needs = node.nodes.get("needs")
    wanted = bare(needs) if needs is not None else 1
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        return
    names = {_text(one) for one in members}
    if any(name not in people for name in names) and people:
        return
    count = len([name for name in names if able(people[name])]) if people else len(names)
    if wanted > count and "people" in node.nodes:
        can = "people of it with a key may approve" if people else "people in it"
        what = f"role {role}: needs {wanted} approvals, and {count} {can}"
        say(needs or node.nodes["people"], what, f"may: [approve], and {_KEY}" if people else "")


def _nodes(holder: Pairs, key: str) -> list[Node]:
    node = holder.nodes.get(key)
    return node.nodes if isinstance(node, Items) else []


def _may(person: Pairs, right: Right) -> bool:
    return right.value in {_text(node) for node in _nodes(person, "may")}


def _text(node: Node) -> str:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
