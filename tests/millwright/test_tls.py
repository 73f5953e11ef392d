"""TLS in front of the portal's server: real sockets, a certificate of the tests' own."""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
import waitress
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from foundation.errors import Invalid
from millwright.serve import reserve_port
from millwright.tls import TlsRelay, load_certificate


def make_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begun = datetime.now(UTC) - timedelta(days=1)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begun)
        .not_valid_after(begun + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.fixture
def files(tmp_path):
    return make_certificate(tmp_path)


def tell(environ, start):
    """Says who asks and how, and how long the body was."""
    size = len(environ["wsgi.input"].read())
    text = f"{environ['wsgi.url_scheme']} {environ['REMOTE_ADDR']} {size}".encode()
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text]


@pytest.fixture
def door(files):
    """Ports of the relay and of the server behind it."""
    outer, inner = reserve_port("127.0.0.1", 0), reserve_port("127.0.0.1", 0)
    relay = TlsRelay(load_certificate(*files), outer, inner.getsockname()[:2])
    connections = {}
    server = waitress.create_server(relay.wrap(tell), map=connections, sockets=[inner])
    thread = threading.Thread(target=server.run)
    thread.start()
    relay.start()
    yield outer.getsockname()[1], inner.getsockname()[1]
    relay.stop(5)
    server.task_dispatcher.shutdown(timeout=2)
    server.trigger.pull_trigger(lambda: server.asyncore.close_all(connections))
    thread.join(5)


def ask(port, files, body=None):
    trusted = ssl.create_default_context(cafile=files[0])
    client = http.client.HTTPSConnection("localhost", port, context=trusted, timeout=10)
    client.request("POST" if body else "GET", "/", body)
    text = client.getresponse().read().decode()
    client.close()
    return text


def test_a_browser_is_answered_over_tls_and_its_address_is_known(door, files):
    assert ask(door[0], files) == "https 127.0.0.1 0"


def test_a_large_body_comes_through_whole(door, files):
    assert ask(door[0], files, b"x" * 3_000_000) == "https 127.0.0.1 3000000"


def test_somebody_who_says_nothing_keeps_nobody_waiting(door, files):
    silent = [socket.create_connection(("127.0.0.1", door[0])) for _ in range(50)]
    assert ask(door[0], files) == "https 127.0.0.1 0"
    for each in silent:
        each.close()


def test_the_server_behind_answers_nobody_who_goes_around(door):
    client = http.client.HTTPConnection("127.0.0.1", door[1], timeout=10)
    client.request("GET", "/")
    assert client.getresponse().status == 403
    client.close()


def test_plain_http_is_not_answered(door):
    with socket.create_connection(("127.0.0.1", door[0]), timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP" not in plain.recv(1000)


def test_tls_one_point_one_is_not_spoken(files):
    assert load_certificate(*files).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_key_that_does_not_belong_to_the_certificate_is_refused(files, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(Invalid):
        load_certificate(files[0], make_certificate(other)[1])
    with pytest.raises(Invalid):
        load_certificate(files[0], tmp_path / "missing.pem")
