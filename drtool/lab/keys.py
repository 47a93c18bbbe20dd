"""Keys, passwords and certificates, made anew for each lab."""

from __future__ import annotations

import base64
import ipaddress
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from drtool.lab.layout import ADDRESSES, SITES, Layout, write_private

DATABASE_USERS = ("drtool", "replicator", "orders")
# who they are, and what they may do
PEOPLE = {"operator": ("operate", "rehearse"), "commander": ("approve",), "deputy": ("approve",)}
_VALID = timedelta(days=30)


def make_secrets(layout: Layout) -> None:
    """Write every secret of the lab, each in a file that only its owner can read."""
    for user in DATABASE_USERS:
        write_private(layout.secret(f"{user}.password"), secrets.token_urlsafe(24))
    for site in SITES:
        write_private(layout.secret(f"{site}_power.password"), secrets.token_urlsafe(24))
    write_private(layout.secret("tsig"), base64.b64encode(secrets.token_bytes(32)).decode())
    write_private(layout.secret("prefect.auth"), f"drtool:{secrets.token_urlsafe(32)}")
    public = _ssh_key(layout.ssh_key)
    write_private(layout.secret("authorized_keys"), f"{public}\n")
    for site in SITES:
        host_key = layout.site(site).host_key
        host_key.with_suffix(".pub").write_text(_ssh_key(host_key) + "\n", encoding="ascii")
    _certificates(layout)


def make_people(layout: Layout) -> None:
    """Write a key for each person of the lab, and its public half beside it."""
    layout.people.mkdir(mode=0o700)
    for name in PEOPLE:
        path = layout.people / name
        path.with_suffix(".pub").write_text(f"{_ssh_key(path)} {name}\n", encoding="ascii")


def person_key(layout: Layout, name: str) -> str:
    """A person's public key, as the inventory has it."""
    return (layout.people / name).with_suffix(".pub").read_text(encoding="ascii").strip()


def host_key(layout: Layout, site: str) -> str:
    """A site's public host key, as the inventory pins it."""
    return layout.site(site).host_key.with_suffix(".pub").read_text(encoding="ascii").strip()


def _ssh_key(path: Path) -> str:
    """Write a private key; gives the public one."""
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    write_private(path, private.decode())
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return public.decode()


def _certificates(layout: Layout) -> None:
    """An authority for the lab, and a certificate for each power controller."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = (
        _certificate("drtool lab authority", key.public_key())
        .issuer_name(_name("drtool lab authority"))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_private(layout.ca, _pem(authority))
    for site in SITES:
        own = ec.generate_private_key(ec.SECP256R1())
        address = x509.IPAddress(ipaddress.ip_address(ADDRESSES[site]))
        server = (
            _certificate(f"{site} power controller", own.public_key())
            .issuer_name(authority.subject)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()),
                critical=False,
            )
            .sign(key, hashes.SHA256())
        )
        private = own.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        write_private(layout.controller(site) / "certificate.pem", _pem(server))
        write_private(layout.controller(site) / "key.pem", private.decode())


def _certificate(name: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
