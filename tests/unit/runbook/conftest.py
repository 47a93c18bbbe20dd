from __future__ import annotations

from pathlib import Path

import pytest
from good_documents import INVENTORY, RUNBOOK, Change, Lint, Load, changed, write

from drtool.catalog import Catalog
from drtool.errors import Faults
from drtool.runbook.load import Loaded, load
from drtool.testing import fake_catalog


@pytest.fixture
def catalog() -> Catalog:
    return fake_catalog()


@pytest.fixture
def loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalog: Catalog) -> Load:
    """Loads the good documents, with changes: each a text and what stands in its place."""
    monkeypatch.chdir(tmp_path)

    def loaded(
        *changes: Change,
        inventory: list[Change] | None = None,
        text: str = RUNBOOK,
        parameters: dict[str, str] | None = None,
    ) -> Loaded:
        write("orders.yaml", changed(text, list(changes)))
        write("inventory.yaml", changed(INVENTORY, inventory or []))
        return load(Path("orders.yaml"), None, catalog, parameters or {})

    return loaded


@pytest.fixture
def lint(loading: Load) -> Lint:
    """The faults of the good documents with changes, as they are told."""

    def faults(*changes: Change, **others: object) -> list[str]:
        try:
            loading(*changes, **others)
        except Faults as found:
            return list(found.lines)
        return []

    return faults
