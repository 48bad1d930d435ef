"""A certificate authority for one test run: its certificates are worth nothing anywhere else."""

from __future__ import annotations

import datetime as dt
import ipaddress
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Certificate:
    """A key and its certificate, as values and as PEM files."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    key_file: Path
    file: Path


def make_authority(folder: Path) -> Certificate:
    """Make a CA in a folder that then holds nothing but ca.crt and its key beside it.

    skopeo's --cert-dir and Docker's certs.d both take every *.crt of a folder as an authority, so the
    folder is kept for the authority alone.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = _named("Moorage tests' own authority")
    usage = _usage(key_cert_sign=True)
    builder = _builder(name, name, key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    signed = builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())
    (folder / "authority").mkdir(parents=True, exist_ok=True)
    return _written(key, signed, folder / "authority" / "ca.crt", folder / "authority-key.pem")


def make_certificate(authority: Certificate, folder: Path, stem: str, hosts: tuple[str, ...]) -> Certificate:
    """Issue a certificate for host names and addresses; for signing tokens, any one name will do."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    builder = (
        _builder(_named(stem), authority.certificate.subject, key)
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(key_cert_sign=False), critical=True)
    )
    signed = builder.sign(authority.key, hashes.SHA256())
    return _written(key, signed, folder / f"{stem}.crt", folder / f"{stem}-key.pem")


@contextmanager
def trusted_by_daemon(host: str, ca_file: Path) -> Iterator[Path]:
    """Give dockerd an authority for HOST:PORT (needs root), and take it away again."""
    folder = Path("/etc/docker/certs.d") / host
    folder.mkdir(parents=True)
    file = folder / "ca.crt"
    try:
        file.write_bytes(ca_file.read_bytes())
        yield file
    finally:
        file.unlink(missing_ok=True)
        folder.rmdir()


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
    )


def _usage(*, key_cert_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=key_cert_sign, crl_sign=key_cert_sign, key_encipherment=True,
        content_commitment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip


def _written(key: rsa.RSAPrivateKey, signed: x509.Certificate, file: Path, key_file: Path) -> Certificate:
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file.touch(mode=0o600)
    key_file.write_bytes(pem)
    return Certificate(key, signed, key_file, file)
