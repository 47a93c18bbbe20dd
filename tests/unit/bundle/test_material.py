from __future__ import annotations

from pathlib import Path

import pytest
from good_documents import INVENTORY, RUNBOOK, changed

from drtool.bundle.material import Material, collect
from drtool.bundle.secrecy import faults_of
from drtool.runbook.load import load
from drtool.testing import fake_catalog

CANARY = "canary-5ecret-of-the-site"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PRIVATE = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAB\n-----END PRIVATE KEY-----\n"
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQF op\n"
KEY = ('user: postgres, host_key: "', 'user: postgres, key_file: keys/id, host_key: "')
CA = ('system: "1", password', 'system: "1", ca_file: ca.pem, password')


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "orders.yaml").write_text(RUNBOOK)
    (tmp_path / "inventory.yaml").write_text(changed(INVENTORY, [KEY, CA]))
    (tmp_path / "keys").mkdir()
    return tmp_path


def put(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def material(*runbooks: Path) -> Material:
    catalog = fake_catalog()
    return collect([load(runbook, None, catalog) for runbook in runbooks])


def test_runbook_inventory_and_readme_go_in(site: Path) -> None:
    (site / "README.md").write_text("# Orders\n")
    found = material(site / "orders.yaml")
    assert sorted(found.files) == [
        "runbooks/README.md",
        "runbooks/inventory.yaml",
        "runbooks/orders.yaml",
    ]


def test_runbooks_lie_to_each_other_as_they_did(site: Path) -> None:
    for name in ("first", "second"):
        (site / name).mkdir()
        text = RUNBOOK.replace("inventory: inventory.yaml", "inventory: ../inventory.yaml")
        (site / name / "orders.yaml").write_text(text)
    found = material(site / "first" / "orders.yaml", site / "second" / "orders.yaml")
    assert sorted(found.files) == [
        "runbooks/first/orders.yaml",
        "runbooks/inventory.yaml",
        "runbooks/second/orders.yaml",
    ]


def test_what_is_secret_stays_and_is_listed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(site / "tsig", f"{CANARY}\n")
    put(site / "keys" / "id", PRIVATE)
    monkeypatch.setenv("BMC", CANARY)
    found = material(site / "orders.yaml")
    assert sorted(found.files) == ["runbooks/inventory.yaml", "runbooks/orders.yaml"]
    assert {
        "runbooks/keys/id: is or may be secret, mode 0600",
        "runbooks/tsig: a secret, mode 0600",
        "the environment variable BMC: a secret",
    } <= found.bring
    assert faults_of(found) == []


def test_certificates_and_public_keys_go_in(site: Path) -> None:
    put(site / "keys" / "id", PRIVATE)
    (site / "keys" / "id.pub").write_text(PUBLIC)
    (site / "ca.pem").write_text(f"subject: a comment\n{CERTIFICATE}{CERTIFICATE}")
    found = material(site / "orders.yaml")
    assert found.files["runbooks/ca.pem"].read() == (CERTIFICATE * 2).encode()
    assert found.files["runbooks/keys/id.pub"].read() == PUBLIC.encode()
    assert faults_of(found) == []


def test_a_certificate_elsewhere_goes_in_with_where_it_belongs(site: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "ca.pem").write_text(CERTIFICATE)
    inventory = (site / "inventory.yaml").read_text()
    (inner / "inventory.yaml").write_text(inventory.replace("ca.pem", f"{tmp_path}/ca.pem"))
    (inner / "orders.yaml").write_text(RUNBOOK)
    found = material(inner / "orders.yaml")
    place = f"public{tmp_path}/ca.pem"
    assert found.files[place].read() == CERTIFICATE.encode()
    assert f"{tmp_path}/ca.pem: copy {place} there" in found.bring


def test_a_certificate_with_its_key_stays(site: Path) -> None:
    put(site / "ca.pem", CERTIFICATE + PRIVATE)
    found = material(site / "orders.yaml")
    assert "runbooks/ca.pem" not in found.files
    assert "runbooks/ca.pem: is or may be secret, mode 0600" in found.bring


def test_what_is_called_a_public_key_and_is_none_stays(site: Path) -> None:
    (site / "keys" / "id.pub").write_text(PRIVATE)
    assert "runbooks/keys/id.pub" not in material(site / "orders.yaml").files


def test_what_is_not_there_is_listed(site: Path) -> None:
    found = material(site / "orders.yaml")
    assert "runbooks/ca.pem: was not there when this was made" in found.bring


@pytest.mark.parametrize(
    ("where", "text", "said"),
    [
        ("README.md", f"The key is {CANARY}.\n", "holds the secret file:tsig"),
        ("README.md", "MC4CAQAwBQYDK2VwBCIEIAAB\n", "holds the content of keys/id"),
        ("README.md", PRIVATE, "holds a private key"),
        ("orders.yaml", f"# {CANARY}\n{RUNBOOK}", "holds the secret file:tsig"),
        ("ca.pem", CERTIFICATE.replace("MIIB", CANARY), "holds the secret file:tsig"),
    ],
)
def test_a_secret_in_a_file_is_told_and_not_shown(
    site: Path, where: str, text: str, said: str
) -> None:
    put(site / "tsig", CANARY)
    put(site / "keys" / "id", PRIVATE)
    (site / where).write_text(text)
    (fault,) = faults_of(material(site / "orders.yaml"))
    assert where in fault
    assert said in fault
    assert CANARY not in fault


def test_a_line_of_a_secret_is_a_secret_too(site: Path) -> None:
    put(site / "tsig", f"first\n{CANARY}\n")
    (site / "README.md").write_text(f"It is {CANARY}.\n")
    (fault,) = faults_of(material(site / "orders.yaml"))
    assert "holds the secret file:tsig" in fault


def test_the_documents_name_the_extras_that_they_need(site: Path) -> None:
    words = material(site / "orders.yaml").words
    assert {"postgresql", "dns", "ssh"} <= words
    assert "slack" not in words
