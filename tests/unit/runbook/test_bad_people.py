"""What an inventory may say of people: each fault gives its place, its reason and its fix."""

# ruff: noqa: E501, ISC004 - messages stand as they are told

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from good_documents import EAST_KEY, WEST_KEY, Lint, Load

from drtool.catalog import Catalog
from drtool.model.purpose import Procedure
from drtool.runbook.planning import ObservedRoles, plan

BEFORE = "roles:\n  incident_commander: {people: [oncall-primary], deputies: [oncall-secondary]}"
GOOD = f"""\
people:
  ann: {{keys: ["{EAST_KEY} ann@laptop"], may: [operate, approve]}}
  ben: {{keys: ["{WEST_KEY}"], may: [approve]}}
roles:
  incident_commander: {{people: [ann], deputies: [ben], needs: 2}}"""
PUB = "the one line of a .pub file: ssh-ed25519 AAAA..."


def public(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        .decode()
    )


def test_people_with_keys_are_good(lint: Lint) -> None:
    assert lint(inventory=[(BEFORE, GOOD)]) == []


def test_names_without_people_stay_good(lint: Lint) -> None:
    assert lint() == []


def test_who_proves_what_changes_nothing_of_what_is_done(loading: Load, catalog: Catalog) -> None:
    without = GOOD.partition("roles:")
    seen = ObservedRoles(primaries=("east",), standbys=("west",))
    digests = {
        plan(loading(inventory=[(BEFORE, text)]), Procedure.FAILOVER, seen, catalog=catalog).digest
        for text in (GOOD, without[1] + without[2])
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "people: [ann]",
            "people: [anne]",
            "34:33: role incident_commander: anne is not under people\n  hint: did you mean ann?",
        ),
        (
            f'"{WEST_KEY}"',
            f'"{EAST_KEY}"',
            "32:16: person ben: this key is ann's too\n  hint: a key says which person signed: one person each",
        ),
        (
            "needs: 2",
            "needs: 3",
            "34:63: role incident_commander: needs 3 approvals, and 2 people of it with a key may approve\n"
            "  hint: may: [approve], and keys: [ssh-ed25519 AAAA...], the one line of their .pub file",
        ),
        (
            "may: [approve]",
            "may: [rehearse]",
            "34:63: role incident_commander: needs 2 approvals, and 1 people of it with a key may approve\n"
            "  hint: may: [approve], and keys: [ssh-ed25519 AAAA...], the one line of their .pub file",
        ),
        (
            "may: [operate, approve]",
            "may: [approve]",
            "31:3: people: nobody with a key may operate, so that nobody could start a run\n  hint: may: [operate, approve]",
        ),
        (
            "may: [approve]",
            "may: [aprove]",
            None,
        ),
        (
            f'"{WEST_KEY}"',
            '"no key"',
            f"32:16: person ben: an item of keys: is not a public key\n  hint: {PUB}",
        ),
        (
            f'"{WEST_KEY}"',
            f'"{WEST_KEY[:-8]}"',
            f"32:16: person ben: an item of keys: is not a public key, or is cut short\n  hint: {PUB}",
        ),
        (
            f'"{WEST_KEY}"',
            f'"ecdsa-sha2-nistp256 {WEST_KEY.split()[1]}"',
            f"32:16: person ben: an item of keys: is not a public key of the kind ecdsa-sha2-nistp256\n  hint: {PUB}",
        ),
    ],
)
def test_faults_of_people(lint: Lint, old: str, new: str, told: str | None) -> None:
    found = [
        one.partition("inventory.yaml:")[2]
        for one in lint(inventory=[(BEFORE, GOOD.replace(old, new, 1))])
    ]
    if told is None:
        assert "did you mean approve?" in found[0]
        return
    assert any(told in one for one in found), found


def test_weak_keys_are_refused(lint: Lint) -> None:
    short = public(rsa.generate_private_key(65537, 1024))  # noqa: S505 - it must be refused
    weak = "ssh-dss AAAAB3NzaC1kc3MAAACB"
    for key, word in ((short, "is an RSA key of 1024 bits"), (weak, "is a DSA key")):
        found = lint(inventory=[(BEFORE, GOOD.replace(WEST_KEY, key))])
        assert any(f"32:16: person ben: an item of keys: {word}" in one for one in found), found
    good = public(rsa.generate_private_key(65537, 2048))
    assert lint(inventory=[(BEFORE, GOOD.replace(WEST_KEY, good))]) == []


@pytest.mark.parametrize("whole", [True, False])
def test_a_private_key_pasted_by_mistake_is_not_repeated(
    lint: Lint, whole: bool, tmp_path: Path
) -> None:
    body = base64.b64encode(b"openssh-key-v1\x00 the secret half").decode()
    head, foot = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"
    pasted = f"{head} {body} {foot}" if whole else body
    found = lint(inventory=[(BEFORE, GOOD.replace(WEST_KEY, pasted))])
    assert any("32:16: person ben" in one and "private key" in one for one in found), found
    assert any("write the one line of its .pub file" in one for one in found)
    assert not any(body[:20] in one for one in found)


def test_more_approvals_than_people_without_keys(lint: Lint) -> None:
    found = lint(inventory=[("[oncall-secondary]}", "[oncall-secondary], needs: 3}")])
    assert any("needs 3 approvals, and 2 people in it" in one for one in found), found


CONSENT = "approval: {of: incident_commander, budget: 1m, otherwise: abort}"


def test_a_step_may_say_how_many_it_wants(lint: Lint, loading: Load, catalog: Catalog) -> None:
    two = (CONSENT, CONSENT.replace("budget", "count: 2, budget"))
    assert lint(two, inventory=[(BEFORE, GOOD)]) == []
    seen = ObservedRoles(primaries=("east",), standbys=("west",))
    loaded = loading(two, inventory=[(BEFORE, GOOD)])
    asked = plan(loaded, Procedure.FAILOVER, seen, catalog=catalog).step("consent").approval
    assert asked is not None
    assert asked.count == 2


def test_a_step_cannot_want_more_than_there_are(lint: Lint) -> None:
    three = (CONSENT, CONSENT.replace("budget", "count: 3, budget"))
    assert lint(three, inventory=[(BEFORE, GOOD)]) == [
        "orders.yaml:14:65: step consent: wants 3 approvals of incident_commander, and 2 can give one\n"
        "  hint: they are ann, ben"
    ]


@pytest.mark.parametrize(
    ("owner", "good"), [("ann", True), ("incident_commander", True), ("an", False)]
)
def test_a_manual_step_has_an_owner_whom_the_inventory_knows(
    lint: Lint, owner: str, good: bool
) -> None:
    manual = f"    - {{step: call, manual: Call the carrier., owner: {owner}}}\n"
    found = lint(("  failback:", f"{manual}  failback:"), inventory=[(BEFORE, GOOD)])
    assert ("neither a role nor a person of the inventory" in "".join(found)) is not good, found
    assert ("did you mean ann?" in "".join(found)) is not good
