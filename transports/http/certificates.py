# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""TLS certificates of a destination's own, as texts: PEM, RFC 7468.

They are secrets of a system, and never files that a setting names. A text may have lost
its line ends on the way, or have them written as a backslash and an n, as values of
environment variables do.
"""

import os
import re
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from urllib3.util.ssl_ import create_urllib3_context

from ... import wording
from ...exceptions import Unreachable

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_CERTIFICATE = "CERTIFICATE"
_KEY = "PRIVATE KEY"
# Characters of base64 in a line (RFC 7468 section 2).
_WIDTH = 64

_NONE = wording._lt(
    "There is no certificate in it. A certificate begins with -----BEGIN "
    "CERTIFICATE-----."
)
_UNREADABLE = wording._lt("A certificate in it cannot be read.")


def client_problem(pem: str) -> str | None:
    """Say what is wrong with a certificate that proves who is sending, and its key.

    :param pem: the certificate, those that lead to its authority, and its private key
    :return: as :func:`..urls.url_problem`; it never repeats the text
    """
    certificates, problem = _certificates(pem)
    if problem:
        return problem
    keys = _blocks(pem, _KEY)
    if not keys:
        return wording._lt(
            "There is no private key in it: paste the certificate, and its key below."
        )
    if _is_encrypted(keys[0]):
        return wording._lt(
            "Its private key has a passphrase: give the key without one."
        )
    try:
        key = serialization.load_pem_private_key(keys[0].encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return wording._lt("Its private key cannot be read.")
    if _of_key(certificates[0]) != _public(key.public_key()):
        if any(_of_key(each) == _public(key.public_key()) for each in certificates):
            return wording._lt(
                "The certificate of the private key has to be the first one."
            )
        return wording._lt("Its private key is that of another certificate.")
    return _time_problem(certificates[:1])


def authorities_problem(pem: str) -> str | None:
    """Say what is wrong with the certificates of the authorities to be trusted.

    :param pem: one or several
    :return: as :func:`client_problem`
    """
    if _blocks(pem, _KEY):
        return wording._lt(
            "There is a private key in it, which is nobody's but the authority's."
        )
    certificates, problem = _certificates(pem)
    return problem or _time_problem(certificates)


def end_of(pem: str) -> tuple[str, datetime]:
    """:return: whom certificates without a problem are for, and when they end, the last
    of several authorities (UTC, naive)"""
    certificates, _problem = _certificates(pem)
    last = max(certificates[:1] if _blocks(pem, _KEY) else certificates, key=_end)
    names = last.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    name = str(names[0].value) if names else last.subject.rfc4514_string()
    return name, _end(last)


def context_of(client: str, authorities: str) -> ssl.SSLContext:
    """Make what TLS connections are opened with.

    :param client: see :func:`client_problem`; empty for none
    :param authorities: instead of those that everybody trusts, which
        ``requests`` adds where they are to be trusted
    :raise Unreachable: one of them cannot be used
    """
    problem = client and client_problem(client)
    problem = problem or (authorities and authorities_problem(authorities))
    if problem:
        sentence = wording._lt(
            "The TLS certificates that are set for it cannot be used: %(problem)s"
        )
        raise Unreachable(sentence, problem=wording.Sentence(problem))
    context = create_urllib3_context()
    try:
        if authorities:
            context.load_verify_locations(cadata="".join(_blocks(authorities)))
            # also one that another, which is not given, stands for
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if client:
            # OpenSSL takes them from files alone, and asks the terminal for a
            # passphrase that it misses
            with _as_file("".join(_blocks(client))) as path:
                context.load_cert_chain(path, password="")
    except (ssl.SSLError, ValueError):
        sentence = wording._lt(
            "The TLS certificates that are set for it cannot be used: a key may be too "
            "short, or of a kind that is no longer safe."
        )
        raise Unreachable(sentence) from None
    return context


@contextmanager
def _as_file(text: str) -> Iterator[str]:
    """Within, a text is in a file of this process alone: in memory, where the system
    has such files (Linux)."""
    if hasattr(os, "memfd_create"):
        with open(os.memfd_create("pem"), "wb", 0) as file:
            file.write(text.encode())
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        # for its owner's eyes (0600), and removed when it is closed
        with tempfile.NamedTemporaryFile() as file:
            file.write(text.encode())
            file.flush()
            yield file.name


def _blocks(pem, kind=""):
    """:return: the blocks of a kind, each written as PEM is"""
    found = _BLOCK.findall(pem.replace("\\n", "\n"))
    return [
        f"-----BEGIN {label}-----\n{_wrapped(body)}-----END {label}-----\n"
        for label, body in found
        if (label == _CERTIFICATE or label.endswith(_KEY)) and label.endswith(kind)
    ]


def _wrapped(body):
    if ":" in body:
        return f"{body.strip()}\n"  # headers of a key with a passphrase (RFC 1421)
    body = "".join(body.split())
    lines = (body[at : at + _WIDTH] for at in range(0, len(body), _WIDTH))
    return "".join(f"{line}\n" for line in lines)


def _certificates(pem):
    """:return: the certificates, at least one, and what is wrong otherwise"""
    try:
        found = [
            x509.load_pem_x509_certificate(each.encode())
            for each in _blocks(pem, _CERTIFICATE)
        ]
    except ValueError:
        return [], _UNREADABLE
    return found, None if found else _NONE


def _is_encrypted(block):
    return "BEGIN ENCRYPTED " in block or "Proc-Type: 4,ENCRYPTED" in block


def _of_key(certificate):
    try:
        return _public(certificate.public_key())
    except (ValueError, UnsupportedAlgorithm):
        return None


def _public(key):
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _time_problem(certificates):
    """:return: what is wrong unless one of them is valid today"""
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    begin, end = min(map(_begin, certificates)), max(map(_end, certificates))
    if end <= now:
        sentence = wording._lt("The certificate ended on %(time)s: ask for a new one.")
        return wording.Sentence(sentence, time=end)
    if begin > now:
        sentence = wording._lt("The certificate is valid from %(time)s on.")
        return wording.Sentence(sentence, time=begin)
    return None


def _begin(certificate):
    return _in_utc(certificate, "not_valid_before")


def _end(certificate):
    return _in_utc(certificate, "not_valid_after")


def _in_utc(certificate, name):
    # cryptography warns of the naive ones since release 42, and has no others before
    moment = getattr(certificate, f"{name}_utc", None) or getattr(certificate, name)
    return moment.replace(tzinfo=None)
