"""The guarded client, against real sockets."""

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from awe_app.adapters.http import HttpClient
from awe_app.domain.errors import NodeFailed
from awe_app.domain.http import HttpRequest
from tests.http_server import Asked, HttpServer, never, says, sends_on


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with HttpServer() as running:
        yield running


@pytest.fixture
async def client(server: HttpServer) -> AsyncIterator[HttpClient]:
    made = HttpClient([server.host])
    yield made
    await made.stop()


async def failure(client: HttpClient, url: str, **rest: Any) -> NodeFailed:
    with pytest.raises(NodeFailed) as caught:
        await client.send(HttpRequest("GET", url, **rest))
    return caught.value


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names mean these addresses, one list for each time somebody asks, the last for ever; gives who was asked for."""
    asked: list[str] = []

    async def getaddrinfo(_loop: object, host: str, port: int, **_rest: object) -> list[Any]:
        found = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in found
        ]

    monkeypatch.setattr(type(asyncio.get_running_loop()), "getaddrinfo", getaddrinfo)
    return asked


@pytest.fixture
async def dialled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every address somebody tried to connect to; nothing outside this machine is really reached."""
    seen: list[tuple[str, int]] = []
    loop_type = type(asyncio.get_running_loop())
    real = loop_type.sock_connect

    async def sock_connect(loop: Any, sock: socket.socket, address: Any) -> None:
        seen.append((address[0], address[1]))
        if address[0] != "127.0.0.1":
            raise OSError(113, "not in a test")
        await real(loop, sock, address)

    monkeypatch.setattr(loop_type, "sock_connect", sock_connect)
    return seen


async def test_any_status_is_an_answer(server: HttpServer, client: HttpClient):
    server.otherwise = says("no such thing", 404, X_Kind="a")
    answer = await client.send(HttpRequest("DELETE", f"{server.url}/x?y=1", {"X-A": "b"}, b"raw"))
    assert (answer.status, answer.body, answer.headers["x-kind"]) == (404, b"no such thing", "a")
    asked = server.asked[0]
    assert (asked.method, asked.target, asked.headers["x-a"], asked.body) == ("DELETE", "/x?y=1", "b", b"raw")


async def test_connections_are_used_again_and_cookies_are_not_kept(server: HttpServer, client: HttpClient):
    server.otherwise = says("ok", Set_Cookie="a=1")
    for _ in range(3):
        await client.send(HttpRequest("GET", server.url))
    assert server.connections == 1
    assert not any("cookie" in asked.headers for asked in server.asked)


async def test_proxies_of_the_environment_are_not_asked(
    server: HttpServer, client: HttpClient, monkeypatch: pytest.MonkeyPatch
):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await client.send(HttpRequest("GET", server.url))).status == 200


FORBIDDEN = [
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
    "http://localhost/", "http://localhost./", "http://[::1]/", "http://[::]/", "http://0.0.0.0/", "http://0/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/", "http://[::127.0.0.1]/", "http://10.0.0.1/", "http://172.16.0.1/",
    "http://192.168.1.1/", "http://100.64.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/",
    "http://[fe80::1]/", "http://[fc00::1]/", "http://224.0.0.1/", "http://255.255.255.255/",
    "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/",
]  # fmt: skip


@pytest.mark.parametrize("url", FORBIDDEN)
async def test_what_is_inside_is_not_even_dialled(url: str, dialled: list[tuple[str, int]]):
    client = HttpClient()
    try:
        refused = await failure(client, url)
    finally:
        await client.stop()
    assert refused.code in ("ADDRESS_BLOCKED", "INVALID_REQUEST")  # the latter for numbers that stand for an address
    assert not refused.retryable
    assert not dialled


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/", "file:///etc/passwd", "gopher://1.1.1.1/", "//1.1.1.1/", "http://", "http:///x",
     "http://u:secret@1.1.1.1/", "http://1.1.1.1#@10.0.0.1:99999999/", "http://[::1", "http://1.1.1.1:99999/",
     "http://a b/", ""],
)  # fmt: skip
async def test_what_is_no_web_address_is_refused(url: str, dialled: list[tuple[str, int]], client: HttpClient):
    refused = await failure(client, url)
    assert refused.code in ("INVALID_REQUEST", "HOST_UNKNOWN", "HTTP_UNREACHABLE"), refused
    assert "secret" not in str(refused)
    assert all(address == "1.1.1.1" for address, _port in dialled)


@pytest.mark.parametrize("port", [22, 25, 5432, 6379, 11211])
async def test_ports_of_other_protocols_are_refused(
    port: int, client: HttpClient, monkeypatch: pytest.MonkeyPatch, dialled: list[tuple[str, int]]
):
    assert (await failure(client, f"http://1.1.1.1:{port}/")).code == "ADDRESS_BLOCKED"
    resolving(monkeypatch, ["1.1.1.1"])
    assert (await failure(client, f"http://public.example:{port}/")).code == "ADDRESS_BLOCKED"
    assert not dialled


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.1.2.3", "::ffff:10.1.2.3", "169.254.169.254"])
async def test_a_name_with_one_inner_address_is_refused(
    inside: str, monkeypatch: pytest.MonkeyPatch, client: HttpClient, dialled: list[tuple[str, int]]
):
    resolving(monkeypatch, ["1.1.1.1", inside])
    assert (await failure(client, "http://two-faced.example/")).code == "ADDRESS_BLOCKED"
    assert not dialled


async def test_a_name_that_changes_its_meaning_gains_nothing(
    monkeypatch: pytest.MonkeyPatch, client: HttpClient, dialled: list[tuple[str, int]]
):
    asked = resolving(monkeypatch, ["1.1.1.1"], ["127.0.0.1"])
    assert (await failure(client, "http://rebinding.example/")).code == "HTTP_UNREACHABLE"
    assert asked == ["rebinding.example"]
    assert dialled == [("1.1.1.1", 80)]  # the address that was judged, looked up once
    assert (await failure(client, "http://rebinding.example/")).code == "ADDRESS_BLOCKED"
    assert len(dialled) == 1


async def test_an_allowed_address_is_allowed_at_its_port_only(
    server: HttpServer, client: HttpClient, dialled: list[tuple[str, int]]
):
    assert (await failure(client, f"http://127.0.0.1:{server.port + 1}/")).code == "ADDRESS_BLOCKED"
    assert not dialled


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/", "http://[::ffff:169.254.169.254]/", "http://10.0.0.1/", "//10.0.0.1/x",
     "http://localhost:1/", "http://127.1/"],
)  # fmt: skip
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_inside_is_refused(
    target: str, status: int, server: HttpServer, client: HttpClient, dialled: list[tuple[str, int]]
):
    server.otherwise = sends_on(target, status)
    assert (await failure(client, server.url)).code in ("ADDRESS_BLOCKED", "INVALID_REQUEST")
    assert dialled == [("127.0.0.1", server.port)]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://1.1.1.1/", "http://u:p@1.1.1.1/"])
async def test_a_redirect_to_what_is_no_web_address_is_refused(target: str, server: HttpServer, client: HttpClient):
    server.otherwise = sends_on(target)
    assert (await failure(client, server.url)).code == "INVALID_REQUEST"


async def test_redirects_end(server: HttpServer, client: HttpClient):
    server.otherwise = sends_on("/again")
    assert (await failure(client, server.url)).code == "TOO_MANY_REDIRECTS"
    assert len(server.asked) == 11


async def test_a_redirect_at_the_same_place_keeps_headers_and_a_303_becomes_a_get(
    server: HttpServer, client: HttpClient
):
    server.answers = {"/old": sends_on("new?a=1", 303), "/kept": sends_on("/new", 308)}
    secret = {"Authorization": "Bearer s", "X-Key": "s", "Content-Type": "text/plain"}
    await client.send(HttpRequest("POST", f"{server.url}/old", secret, b"x"))
    await client.send(HttpRequest("PUT", f"{server.url}/kept", secret, b"x"))
    got, put = server.asked[1], server.asked[3]
    assert (got.method, got.target, got.body, got.headers["authorization"]) == ("GET", "/new?a=1", b"", "Bearer s")
    assert "content-type" not in got.headers
    assert (put.method, put.target, put.body, put.headers["x-key"]) == ("PUT", "/new", b"x", "s")


async def test_secrets_do_not_follow_to_another_origin(server: HttpServer):
    async with HttpServer() as other:
        server.otherwise = sends_on(f"{other.url}/there", 307)
        client = HttpClient([server.host, other.host])
        secret = {"Authorization": "Bearer s", "Cookie": "s", "X-Api-Key": "s", "Accept": "text/plain"}
        await client.send(HttpRequest("POST", server.url, secret, b"x"))
        await client.stop()
    asked = other.asked[0]
    assert (asked.method, asked.body, asked.headers["accept"]) == ("POST", b"x", "text/plain")
    assert not {"authorization", "cookie", "x-api-key"} & set(asked.headers)


@pytest.mark.parametrize("compressed", [False, True])
async def test_an_answer_may_not_be_larger_than_allowed(compressed: bool, server: HttpServer, client: HttpClient):
    big = b"0" * 3_000_000
    server.otherwise = says(gzip.compress(big), Content_Encoding="gzip") if compressed else says(big)
    refused = await failure(client, server.url, max_bytes=1_000_000)
    assert (refused.code, refused.retryable) == ("RESPONSE_TOO_LARGE", False)
    assert (await client.send(HttpRequest("GET", server.url, max_bytes=3_000_000))).body == big


async def test_an_endless_answer_is_cut_off(server: HttpServer, client: HttpClient):
    async def drip(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            await writer.drain()

    server.otherwise = drip
    assert (await failure(client, server.url, max_bytes=100_000)).code == "RESPONSE_TOO_LARGE"


async def test_a_silent_server_is_given_up_and_may_be_tried_again(server: HttpServer, client: HttpClient):
    server.otherwise = never
    gone = await failure(client, server.url, timeout_s=0.1)
    assert (gone.code, gone.retryable) == ("HTTP_TIMEOUT", True)


async def test_cancelling_hangs_up(server: HttpServer, client: HttpClient):
    server.otherwise = never
    call = asyncio.create_task(client.send(HttpRequest("GET", server.url)))
    await server.arrived.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(server.hung_up.wait(), 30)


async def test_nobody_there_and_half_an_answer_may_be_tried_again(server: HttpServer, client: HttpClient):
    async def half(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        raise ConnectionResetError

    server.otherwise = half
    assert (await failure(client, server.url)).retryable
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{unused.getsockname()[1]}"
        lonely = HttpClient([where])
        gone = await failure(lonely, f"http://{where}/?secret=1")
        await lonely.stop()
    assert (gone.code, gone.retryable) == ("HTTP_UNREACHABLE", True)
    assert "secret" not in str(gone)


async def test_a_server_with_a_certificate_of_its_own_making_is_not_trusted(tmp_path: Path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    day = timedelta(days=1)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(datetime.now(UTC) - day).not_valid_after(datetime.now(UTC) + day)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "tls.pem").write_bytes(made.sign(key, SHA256()).public_bytes(Encoding.PEM) + pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "tls.pem")
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    where = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    client = HttpClient([where])
    refused = await failure(client, f"https://{where}/")
    await client.stop()
    server.close()
    await server.wait_closed()
    assert (refused.code, refused.retryable) == ("HTTP_TLS", False)
    assert "self-signed" in refused.detail


@pytest.mark.parametrize(
    "headers",
    [{"Host": "inside"}, {"content-length": "3"}, {"Transfer-Encoding": "x"}, {"A": "b\r\nC: d"}, {"A\n": "b"}],
)
async def test_headers_that_change_the_connection_are_refused(
    headers: dict[str, str], server: HttpServer, client: HttpClient
):
    assert (await failure(client, server.url, headers=headers)).code == "INVALID_REQUEST"
    assert not server.asked


async def test_nothing_exists_before_the_first_call_and_stopping_twice_is_fine():
    client = HttpClient()
    await client.stop()
    await client.stop()
