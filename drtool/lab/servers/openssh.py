"""SSH as the machine has it: OpenSSH's sshd, for the user who brings the lab up."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from drtool.lab.layout import Make, write_private
from drtool.lab.servers.kinds import Absent, SshPlace, program, version_of

# sshd of root wants this directory, which its own service would make. The file tells ours from it.
_SEPARATION = Path("/run/sshd")
_OURS = "made-by-drtool-lab"
_PREPARED = f'''[ -d "$0" ] || {{ mkdir -m 755 "$0" && : >"$0/{_OURS}"; }}; exec "$@"'''
# SHLVL: a bash that sshd starts for a command reads ~/.bashrc unless it is a shell within another,
# and what stands there may take long, or speak.
_CONFIGURATION = """\
ListenAddress {host}:{port}
HostKey "{host_key}"
AuthorizedKeysFile "{authorized_keys}"
AuthenticationMethods publickey
AllowUsers {user}
PermitRootLogin prohibit-password
StrictModes no
UsePAM {pam}
PidFile none
PrintMotd no
Subsystem sftp internal-sftp
SetEnv PATH="{path}" {mark}="{mark_value}" SHLVL=1
"""


@dataclass(frozen=True)
class OpenSsh:
    """``sshd``; without root's rights it can let in nobody but its own user."""

    make: Make
    user: str
    pam: bool

    def command(self, place: SshPlace) -> list[str]:
        """Write ``sshd_config``; root's sshd also gets the directory that it wants."""
        file = place.directory / "sshd_config"
        text = _CONFIGURATION.format(
            host=place.address[0],
            port=place.address[1],
            host_key=place.host_key,
            authorized_keys=place.authorized_keys,
            user=self.user,
            pam="yes" if self.pam else "no",
            path=place.path,
            mark=place.mark[0],
            mark_value=place.mark[1],
        )
        write_private(file, text)
        command = [self.make.path, "-D", "-e", "-f", str(file)]
        if os.geteuid() != 0:
            return command
        return ["/bin/sh", "-c", _PREPARED, str(_SEPARATION), *command]


def find() -> OpenSsh | Absent:
    """The machine's sshd, if it would let this user in."""
    sshd = program("sshd")
    if sshd is None:
        return Absent("sshd is not installed", "openssh-server")
    try:
        user = pwd.getpwuid(os.geteuid())
    except KeyError:
        return Absent(f"sshd lets nobody in: user {os.geteuid()} has no name")
    if Path(user.pw_shell).name in {"nologin", "false"}:
        return Absent(f"sshd lets only {user.pw_name} in, whose shell is {user.pw_shell}")
    make = Make("OpenSSH", version_of(sshd, "-V", pattern=r"(?<=OpenSSH_)[\w.]+"), str(sshd))
    return OpenSsh(make, user.pw_name, _locked(user.pw_name))


def tidy() -> None:
    """Remove root's directory for sshd, if a lab made it and no sshd is left to want it."""
    if (_SEPARATION / _OURS).exists() and not _sshd_runs():
        shutil.rmtree(_SEPARATION, ignore_errors=True)


def _locked(user: str, shadow: Path = Path("/etc/shadow")) -> bool:
    """Whether the user's password is locked: sshd then turns keys away too, except with PAM."""
    with contextlib.suppress(OSError):
        for line in shadow.read_text(encoding="utf-8").splitlines():
            name, _, rest = line.partition(":")
            if name == user:
                return rest.startswith("!")
    return False


def _sshd_runs() -> bool:
    """Whether any sshd runs on this machine; what has ended has no program any more."""
    for link in Path("/proc").glob("[0-9]*/exe"):
        with contextlib.suppress(OSError):
            if link.readlink().name.startswith("sshd"):
                return True
    return False
