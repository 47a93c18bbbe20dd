"""SSH against a real server."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from postgresql_pair import wait_until
from ssh_host import SshHost

from drtool.clock import SystemClock
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.connections.ssh import SshHands, SshReader
from drtool.errors import AccessDenied, BadInput, Unreachable
from drtool.model.inventory import Inventory
from drtool.redact import Redactor


def context(host: SshHost, **ssh: object) -> Context:
    inventory = Inventory.model_validate({
        "version": 1,
        "services": {},
        "sites": {},
        "hosts": {
            "east_db": {
                "ssh": {
                    "address": host.address, "port": host.port, "user": host.user,
                    "host_key": host.host_key, "key_file": str(host.key_file), **ssh,
                }
            }
        },
    })  # fmt: skip
    return Context(inventory, Secrets(Redactor()), SystemClock())


def test_words_reach_the_command_as_they_are(any_ssh_host: SshHost) -> None:
    hands = SshHands.open("east_db", context(any_ssh_host))
    words = ["a b", "$HOME", "'quoted'", "; exit 3", "*", ""]
    ran = hands.run(["printf", "%s\n", *words], 5)
    assert ran.code == 0
    assert ran.out.splitlines() == words
    assert hands.run(["cat"], 5, "fed\n").out == "fed\n"
    failed = hands.run(["sh", "-c", "echo told >&2; exit 7"], 5)
    assert (failed.code, failed.err) == (7, "told\n")


def test_much_output_on_both_streams(any_ssh_host: SshHost) -> None:
    hands = SshHands.open("east_db", context(any_ssh_host))
    ran = hands.run(["sh", "-c", "seq 200000; seq 200000 >&2"], 20)
    assert len(ran.out.splitlines()) == len(ran.err.splitlines()) == 200000


@pytest.mark.alone
def test_a_command_takes_few_milliseconds(ssh_host: SshHost) -> None:
    hands = SshHands.open("east_db", context(ssh_host))
    hands.run(["true"], 5)
    begun = time.monotonic()
    for _ in range(20):
        hands.run(["true"], 5)
    assert (time.monotonic() - begun) / 20 < 0.03


def test_several_threads_share_a_connection(any_ssh_host: SshHost) -> None:
    hands = SshHands.open("east_db", context(any_ssh_host))
    said: dict[int, str] = {}

    def work(number: int) -> None:
        said[number] = hands.run(["echo", str(number)], 10).out.strip()

    for again in range(10):  # a command ends while another one's input does
        said.clear()
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert said == {number: str(number) for number in range(8)}
        assert again or any_ssh_host.connected() == 1


def test_more_commands_than_a_connection_carries_are_carried_by_another(
    any_ssh_host: SshHost, tmp_path: Path
) -> None:
    """OpenSSH's MaxSessions is 10; what is under way goes on when an eleventh is refused."""
    hands = SshHands.open("east_db", context(any_ssh_host))
    directory = tmp_path / "shared"
    directory.mkdir()
    directory.chmod(0o777)
    script = 'touch "$1/$2"; until [ -e "$1/go" ]; do sleep 0.05; done; echo "$2"'
    said: dict[int, str] = {}

    def work(number: int) -> None:
        words = ["sh", "-c", script, "sh", str(directory), str(number)]
        said[number] = hands.run(words, 60).out.strip()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(13)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(list(directory.iterdir())) == 13, 60)
    (directory / "go").touch()
    for thread in threads:
        thread.join()
    hands.close()
    assert said == {number: str(number) for number in range(13)}


def test_a_changed_host_key_is_refused_with_both_fingerprints(
    any_ssh_host: SshHost, tmp_path: Path
) -> None:
    other = SshHost(tmp_path / "other", "127.0.1.1")
    with pytest.raises(AccessDenied) as raised:
        SshHands.open("east_db", context(any_ssh_host, host_key=other.host_key))
    text = raised.value.text()
    assert any_ssh_host.key.get_fingerprint() in text
    assert other.key.get_fingerprint() in text
    assert any_ssh_host.host_key in text


def test_a_strange_user_key_is_refused(any_ssh_host: SshHost, tmp_path: Path) -> None:
    other = SshHost(tmp_path / "other", "127.0.1.1")
    with pytest.raises(AccessDenied, match="turned us away"):
        SshReader.open("east_db", context(any_ssh_host, key_file=str(other.key_file)))


def test_a_key_file_open_to_others_is_refused(any_ssh_host: SshHost) -> None:
    any_ssh_host.key_file.chmod(0o644)
    with pytest.raises(BadInput) as raised:
        SshReader.open("east_db", context(any_ssh_host))
    assert "chmod 600" in raised.value.text()


def test_nothing_listens(any_ssh_host: SshHost) -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        SshReader.open("east_db", context(any_ssh_host, port=1))


def test_a_deadline_ends_a_command(any_ssh_host: SshHost) -> None:
    hands = SshHands.open("east_db", context(any_ssh_host))
    begun = time.monotonic()
    with pytest.raises(Unreachable, match=r"did not end within 0.3 s"):
        hands.run(["sleep", "30"], 0.3)
    assert time.monotonic() - begun < 2
    assert hands.run(["echo", "still here"], 5).out == "still here\n"


def test_a_lost_connection_is_opened_anew(any_ssh_host: SshHost) -> None:
    hands = SshHands.open("east_db", context(any_ssh_host))
    hands.run(["true"], 5)
    any_ssh_host.cut()
    time.sleep(0.1)
    assert hands.run(["echo", "again"], 5).out == "again\n"


def test_a_connection_lost_in_the_middle_is_told(any_ssh_host: SshHost) -> None:
    hands = SshHands.open("east_db", context(any_ssh_host))
    threading.Timer(0.3, any_ssh_host.cut).start()
    with pytest.raises(Unreachable, match="lost its connection"):
        hands.run(["sleep", "5"], 10)


def test_files_are_read(any_ssh_host: SshHost, tmp_path: Path) -> None:
    reader = SshReader.open("east_db", context(any_ssh_host))
    (tmp_path / "a file").write_text("text\n")
    assert reader.file_exists(str(tmp_path / "a file"))
    assert reader.read_file(str(tmp_path / "a file")) == "text\n"
    assert reader.read_file(str(tmp_path / "none")) is None
    assert "a file" in reader.list_directory(str(tmp_path))
