"""Whether a secret that the documents refer to stands in a file that would be carried about."""

from __future__ import annotations

from pathlib import Path

from drtool.bundle.material import Material

_PRIVATE_KEY = b"PRIVATE KEY-----"


def faults_of(material: Material) -> list[str]:
    """Each file that must not leave, with what it holds."""
    faults = []
    for name, file in sorted(material.files.items()):
        reason = _reason(file.read(), material)
        if reason:
            where = file.content if isinstance(file.content, Path) else name
            hint = "take it out; what is secret is only referred to"
            faults.append(f"{where}: {reason}\n  hint: {hint}")
    return faults


def _reason(content: bytes, material: Material) -> str | None:
    if _PRIVATE_KEY in content:
        return "holds a private key"
    found = sorted(what for what, secret in material.secrets if secret in content)
    return f"holds the {found[0]}" if found else None
