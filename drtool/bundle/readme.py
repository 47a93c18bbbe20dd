"""The README of a bundle, and which Python it is for."""

from __future__ import annotations

import sys
import sysconfig

from drtool.bundle.archive import MANIFEST, TOP, File
from drtool.bundle.material import Material

_TEXT = """\
# drtool {version}, to be installed without a network

For {python}; extras: {extras}.

    tar xzf BUNDLE.tar.gz && cd {top}
    sh install.sh [DIRECTORY]

`install.sh` checks every file against `{manifest}`, makes a virtual environment and installs
`requirements.txt` from `wheels/`, each by its hash. It asks no network for anything.

| here | what |
|---|---|
| `runbooks/` | {runbooks} |
| `public/` | certificates and public keys that belong elsewhere on the machine, if there are any |
| `wheels/` | drtool and all that it needs |
| `docs/` | the documentation |

## To be brought separately

Nothing in here is secret. At each place that drtool is to act from, these must be there too:

{bring}

`drtool lint runbooks` says what is wrong with them.
"""


def python_wanted() -> str:
    """The Python that the wheels are for: this one, as ``install.sh`` asks for it."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return f"{sys.implementation.name}-{version}-{sysconfig.get_platform()}"


def readme(version: str, extras: frozenset[str], material: Material) -> File:
    """The page that whoever unpacks the bundle reads."""
    runbooks = [name for name in sorted(material.files) if name.startswith("runbooks/")]
    text = _TEXT.format(
        version=version,
        python=python_wanted(),
        extras=", ".join(sorted(extras)) or "none",
        top=TOP,
        manifest=MANIFEST,
        runbooks=", ".join(f"`{name.removeprefix('runbooks/')}`" for name in runbooks),
        bring="\n".join(f"- {line}" for line in sorted(material.bring)) or "Nothing.",
    )
    return File("README.md", text.encode())
