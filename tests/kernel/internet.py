"""An internet of the tests' own: names mean what a test says, and behind public addresses are real servers."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kernel.outbound import Internet
from tests.kernel.pictures import a_picture, exif

PUBLIC = "93.184.215.14"
OTHER_PUBLIC = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


@dataclass
class SmallInternet(Internet):
    """Names with their answers (the last one is given for ever), and servers at addresses. It remembers all it did."""

    names: dict[str, list[list[str]]] = field(default_factory=dict)
    servers: dict[tuple[str, int], int] = field(default_factory=dict)
    looked_up: list[str] = field(default_factory=list)
    connected: list[tuple[str, int]] = field(default_factory=list)

    def resolve(self, host: str, port: int) -> list[str]:
        self.looked_up.append(host)
        answers = self.names.get(host)
        if not answers:
            raise socket.gaierror("Name or service not known")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def connect(self, address: str, port: int, *, timeout_seconds: float) -> socket.socket:
        self.connected.append((address, port))
        if (address, port) not in self.servers:
            raise ConnectionRefusedError("Connection refused")
        return super().connect("127.0.0.1", self.servers[address, port], timeout_seconds=timeout_seconds)


class Handler(BaseHTTPRequestHandler):
    """Answers by path, well or badly; the server remembers what it was asked."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        getattr(self, f"answer_{self.path[1:].partition('?')[0]}")()

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  (its name in the class above)
        """Say nothing."""

    def send(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "image/png", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def answer_file(self) -> None:
        self.send(body=b"a picture", Set_Cookie="a=b", Content_Type="Image/PNG; charset=binary")

    def answer_photo(self) -> None:
        self.send(body=a_picture("JPEG", exif=exif()), Content_Type="application/octet-stream")

    def answer_page(self) -> None:
        self.send(body=b"<script>", Content_Type="text/html")

    def answer_gone(self) -> None:
        self.send(404, b"gone")

    def answer_away(self) -> None:
        self.send(302, Location="http://169.254.169.254/latest/meta-data/")

    def answer_large(self) -> None:
        self.send(body=b"x" * 1001)

    def answer_said_large(self) -> None:
        self._raw(b"Content-Length: 1001\r\n\r\nx")

    def answer_chunks(self) -> None:
        self._raw(b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1001 + b"0\r\n\r\n")

    def answer_wrapped(self) -> None:
        self._raw(b"Transfer-Encoding: chunked\r\n\r\n" + (b"1;" + b"w" * 5000 + b"\r\nx\r\n") * 30 + b"0\r\n\r\n")

    def answer_short(self) -> None:
        self._raw(b"Content-Length: 500\r\n\r\nx")

    def answer_headers(self) -> None:
        self._raw(b"".join(b"X-%d: %s\r\n" % (number, b"h" * 900) for number in range(90)) + b"\r\n")

    def answer_continue(self) -> None:
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000)

    def answer_garbage(self) -> None:
        self.wfile.write(b"220 mail.example ESMTP\r\n")

    def answer_zipped(self) -> None:
        self.send(body=b"\x1f\x8b", Content_Encoding="gzip")

    def answer_never(self) -> None:
        self.server.over.wait(10)

    def answer_drip(self) -> None:
        self._raw(b"Content-Length: 900\r\n\r\n")
        while not self.server.over.wait(0.05):
            self.wfile.write(b"x")
            self.wfile.flush()

    def _raw(self, rest: bytes) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n" + rest)
        self.wfile.flush()
        self.close_connection = True


class Server(ThreadingHTTPServer):
    """A web server on loopback, with TLS where it has a certificate."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        self.names_asked_for: list[str | None] = []
        self.over = threading.Event()
        if context is not None:
            context.sni_callback = lambda connection, name, context: self.names_asked_for.append(name)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def port(self) -> int:
        return self.server_port

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Those who were refused leave in the middle."""


@contextmanager
def a_server(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server that runs for the time of the block."""
    server = Server(context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Authority:
    """Who signs certificates in this internet; ``file`` is what those who trust it are given."""

    file: Path
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def in_folder(cls, folder: Path) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Small Internet")])
        certificate = _certificate(named, named, key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        file = folder / "authority.pem"
        signed = certificate.sign(key, hashes.SHA256())
        file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        return cls(file, key)

    def context(self, *names: str) -> ssl.SSLContext:
        """What a server with a certificate for these names and addresses serves with."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Small Internet")])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternatives = x509.SubjectAlternativeName([_general(name) for name in names])
        signed = (
            _certificate(subject, issuer, key)
            .add_extension(alternatives, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        file = self.file.with_name(f"{names[0]}.pem")
        file.write_bytes(
            signed.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
