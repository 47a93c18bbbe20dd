"""A real SSH server for one site: keys only, commands run by a real shell.

``python -m drtool.lab.sshd --bind ADDRESS:PORT --host-key FILE --authorized-keys FILE
--user NAME --directory DIRECTORY --path PATH``. Each command leads a session and process group
of its own, as under OpenSSH; like there, what it left running goes on when the client leaves.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import asyncssh

_SHELL = "/bin/sh"
_CHUNK = 65536
_ALGORITHMS = ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256", "ecdsa-sha2-nistp256"]


class Server(asyncssh.SSHServer):
    """Lets in one user name, by key."""

    def __init__(self, user: str, authorized_keys: Path) -> None:
        self._user, self._keys = user, authorized_keys
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Remember who is at the door."""
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        """Everybody has to prove something, and only the one user has keys here."""
        if username == self._user and self._connection is not None:
            self._connection.set_authorized_keys(str(self._keys))
        return True

    def password_auth_supported(self) -> bool:
        """No passwords."""
        return False

    def kbdint_auth_supported(self) -> bool:
        """No keyboard either."""
        return False


class Shell:
    """Runs commands in a directory, with a path of programs."""

    def __init__(self, directory: Path, path: str) -> None:
        self._directory = directory
        keep = {"DRTOOL_LAB_MARK", "LD_LIBRARY_PATH"}
        self._environment = {
            **{name: value for name, value in os.environ.items() if name in keep},
            "HOME": str(directory),
            "PATH": path,
            "LANG": "C.UTF-8",
            "SHELL": _SHELL,
        }

    async def run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """One command from its start to its exit code."""
        command = process.command
        words = [_SHELL, "-c", command] if command is not None else [_SHELL]
        child = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._directory,
            env=self._environment,
            start_new_session=True,
        )
        typing = asyncio.ensure_future(_type(process, child))
        # As under OpenSSH, the session lasts until nobody holds the output open any more.
        await asyncio.gather(
            _show(_piped(child.stdout), process.stdout),
            _show(_piped(child.stderr), process.stderr),
        )
        code = await child.wait()
        typing.cancel()
        if code < 0:
            process.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))
        else:
            process.exit(code)


def _piped(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if stream is None:
        raise RuntimeError("the command was started without pipes")
    return stream


async def _show(output: asyncio.StreamReader, client: asyncssh.SSHWriter[bytes]) -> None:
    """Send the command's output on; without a client it is read and dropped."""
    listening = True
    while said := await output.read(_CHUNK):
        if listening:
            try:
                client.write(said)
                await client.drain()
            except (OSError, asyncssh.Error):
                listening = False


async def _type(
    process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process
) -> None:
    """Pass on what the client types, and the signals that it sends to the process group."""
    typed = child.stdin
    while typed is not None:
        try:
            said = await process.stdin.read(_CHUNK)
            if not said:
                break
            typed.write(said)
            await typed.drain()
        except asyncssh.SignalReceived as asked:
            with contextlib.suppress(ProcessLookupError, AttributeError):
                os.killpg(child.pid, getattr(signal, f"SIG{asked.signal}"))
        except (OSError, asyncssh.Error):
            break
    if typed is not None:
        typed.close()


async def serve(given: argparse.Namespace) -> None:
    """Listen until ended; prints ``ready`` once it does."""
    shell = Shell(given.directory, given.path)
    host, _, port = given.bind.rpartition(":")
    await asyncssh.create_server(
        lambda: Server(given.user, given.authorized_keys),
        host,
        int(port),
        server_host_keys=[str(given.host_key)],
        signature_algs=_ALGORITHMS,
        process_factory=shell.run,
        sftp_factory=True,
        encoding=None,
        login_timeout=10,
        server_version="drtool_lab",
    )
    sys.stdout.write(f"ready ssh on {given.bind}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main(arguments: list[str] | None = None) -> int:
    """Serve until ended."""
    parser = argparse.ArgumentParser(prog="python -m drtool.lab.sshd", description=__doc__)
    parser.add_argument("--bind", required=True)
    parser.add_argument("--host-key", required=True, type=Path)
    parser.add_argument("--authorized-keys", required=True, type=Path)
    parser.add_argument("--user", required=True)
    parser.add_argument("--directory", required=True, type=Path)
    parser.add_argument("--path", required=True)
    given = parser.parse_args(arguments)
    try:
        asyncio.run(serve(given))
    except OSError as error:
        sys.stderr.write(f"ssh on {given.bind}: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
