# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Certificates for tests, made when they are needed."""

import ssl
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def _name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key, passphrase=""):
    """:return: a private key as PEM"""
    how = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how
    ).decode()


class Authority:
    """An authority that nobody knows.

    :param days: for which its own certificate is valid, fewer than 0 for one that has
        ended
    """

    def __init__(self, name="Test Authority", days=30):
        self.name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = _pem(self._sign(name, self._key, days, is_authority=True))

    def issue(self, name="localhost", days=5, begins=-10, passphrase=""):
        """Make a certificate for a server or a client.

        :param days: after which it ends
        :param begins: in so many days
        :return: certificate and private key, as PEM
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(name, key, days, begins)
        return _pem(certificate), key_pem(key, passphrase)

    def _sign(self, name, key, days, begins=-10, is_authority=False):
        now = datetime.now(timezone.utc)
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.2"))]
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=begins))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    self._key.public_key()
                ),
                False,
            )
        )
        if is_authority:
            usage = x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            )
            builder = builder.add_extension(usage, critical=True)
        else:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(names), critical=False
            )
        return builder.sign(self._key, hashes.SHA256())


def server_context(folder, certificate, key, clients=""):
    """Make what a server of tests listens with.

    :param folder: for the files that ``ssl`` wants
    :param clients: certificate of the authority of those that it lets in; all if empty
    :return: an ``ssl.SSLContext``
    """
    path = folder / "server.pem"
    path.write_text(certificate + key, encoding="ascii")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    if clients:
        context.load_verify_locations(cadata=clients)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
