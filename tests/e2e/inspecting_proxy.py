"""A proxy that inspects TLS, as company networks have them.

It asks for a password, answers TLS with certificates of its own authority, and passes requests on. It keeps
what it has seen.
"""

from __future__ import annotations

import base64
import datetime as dt
import http.client
import shutil
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER, PASSWORD = "builder", "correct-horse-battery"
OWN_HOST = "inspected.invalid"
"""A host that only this proxy knows; it answers itself."""
ANSWER = "the proxy itself"
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
}


@dataclass
class Authority:
    """A throwaway certificate authority and the certificates that it gives to hosts."""

    folder: Path
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    _contexts: dict[str, ssl.SSLContext] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Throwaway inspection CA")])
        certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)

    def context(self, host: str) -> ssl.SSLContext:
        """A server's side of TLS for a host."""
        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = self._new_context(host)
            return self._contexts[host]

    def _new_context(self, host: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]), key.public_key())
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        file = self.folder / f"{host}.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=2))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )


@dataclass
class Proxy:
    """A running proxy."""

    port: int
    authority: Authority
    inspected: list[str]
    """Path of every request that was seen inside TLS."""

    @property
    def url(self) -> str:
        """Its address with its password, as a site's configuration holds it."""
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.port}"


@contextmanager
def running(folder: Path, plain: set[str]) -> Iterator[Proxy]:
    """Starts a proxy on a free port. Hosts in `plain` are asked without TLS behind it."""
    authority = Authority(folder)
    inspected: list[str] = []

    class Handler(_Handler):
        settings = (authority, inspected, plain)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Proxy(port=server.server_address[1], authority=authority, inspected=inspected)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    settings: tuple[Authority, list[str], set[str]]
    tunnel = ""
    upstream: Any = None

    def do_CONNECT(self) -> None:
        expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Proxy-Authorization") != f"Basic {expected}":
            self.send_response(407)
            self.send_header("Proxy-Authenticate", 'Basic realm="site"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.tunnel = self.path.rpartition(":")[0]
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        try:
            self.connection = (
                self.settings[0].context(self.tunnel).wrap_socket(self.connection, server_side=True)
            )
        except (ssl.SSLError, OSError):
            self.close_connection = True  # the client does not trust us: what the tests are about
            return
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def do_GET(self) -> None:
        if not self.tunnel:
            self.send_error(403, "only what is inspected may pass")
            return
        self.settings[1].append(self.path)
        if self.tunnel == OWN_HOST:
            self._answer(200, {}, ANSWER.encode())
            return
        if self.upstream is None:
            is_plain = self.tunnel in self.settings[2]
            make: Any = http.client.HTTPConnection if is_plain else http.client.HTTPSConnection
            self.upstream = make(self.tunnel, timeout=120)
        kept = {key: value for key, value in self.headers.items() if key.lower() not in _HOP_BY_HOP}
        self.upstream.request(self.command, self.path, headers=kept)
        answer = self.upstream.getresponse()
        headers = {key: value for key, value in answer.getheaders() if key.lower() not in _HOP_BY_HOP}
        if answer.length is None or self.command == "HEAD":
            self._answer(answer.status, headers, answer.read())
        else:
            self._answer(answer.status, headers, None)
            shutil.copyfileobj(answer, self.wfile)

    do_HEAD = do_GET  # noqa: N815 - the base class looks for this name

    def finish(self) -> None:
        super().finish()
        # The server only knows the connection as it was before TLS.
        self.connection.close()
        if self.upstream is not None:
            self.upstream.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes | None) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name in headers}:
            self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if body:
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing: the tests look at what was inspected."""


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
