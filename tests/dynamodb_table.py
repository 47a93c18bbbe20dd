"""A DynamoDB table for tests: moto's server, over HTTP, as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from postgresql_pair import free_port, wait_until

REGION, TABLE = "eu-west-1", "drtool"


class Table:
    """An emulator, no DynamoDB: what it shows is that our calls and conditions are right."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / "moto.log"
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        with self.log.open("wb") as said:
            self.process = subprocess.Popen(command, stdout=said, stderr=said)
        wait_until(self._answers, 60)
        self.client.create_table(
            TableName=TABLE,
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )

    @property
    def client(self) -> Any:
        import boto3  # noqa: PLC0415 - heavy, and this plugin is read by every test

        return boto3.client(
            "dynamodb",
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="AKIAINVENTED",
            aws_secret_access_key="invented",
        )

    def item(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get_item(
            TableName=TABLE, Key={"name": {"S": name}}
        ).get("Item", {})
        return found

    def freeze(self) -> None:
        """As a region does that hangs: connections are taken and nothing is answered."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        self.thaw()
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.url}/moto-api/", timeout=2).status_code < 500
        except httpx.HTTPError:
            return False


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    made = Table(tmp_path_factory.mktemp("dynamodb"))
    yield made
    made.stop()


@pytest.fixture
def table(emulator: Table, monkeypatch: pytest.MonkeyPatch) -> Table:
    """The emulator with an empty table, and credentials of no worth in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAINVENTED")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "invented")
    for item in emulator.client.scan(TableName=TABLE)["Items"]:
        emulator.client.delete_item(TableName=TABLE, Key={"name": item["name"]})
    return emulator
