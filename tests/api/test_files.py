"""Users' files over REST."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from awe_app.composition import Running
from tests.api.answers import assert_error
from tests.builders import graph, node

MB = 1024 * 1024


async def put(client: httpx.AsyncClient, name: str, content: bytes = b"hello") -> httpx.Response:
    return await client.post("/api/files", params={"name": name}, content=content)


def kept(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "files").rglob("*") if path.is_file())


async def test_files_are_kept_listed_given_back_and_deleted(ann: httpx.AsyncClient):
    saved = await put(ann, "notes.txt")
    assert (saved.status_code, saved.json()["name"], saved.json()["size_bytes"]) == (201, "notes.txt", 5)
    form = await ann.post("/api/files", files={"file": ("brief.html", b"<script>alert(1)</script>", "text/html")})
    assert (form.status_code, form.json()["size_bytes"]) == (201, 25)
    assert [file["name"] for file in (await ann.get("/api/files")).json()["items"]] == ["brief.html", "notes.txt"]
    page = await ann.get("/api/files/brief.html")
    assert page.content == b"<script>alert(1)</script>"
    assert page.headers["content-disposition"] == 'attachment; filename="brief.html"'
    assert page.headers["content-type"] == "application/octet-stream"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert (await put(ann, "notes.txt", b"")).json()["size_bytes"] == 0
    assert (await ann.get("/api/files/notes.txt")).content == b""
    assert (await ann.delete("/api/files/notes.txt")).status_code == 204
    assert_error(await ann.get("/api/files/notes.txt"), 404, "FILE_NOT_FOUND")
    assert_error(await ann.delete("/api/files/notes.txt"), 404, "FILE_NOT_FOUND")


async def test_files_are_their_owners_alone(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient, stranger: httpx.AsyncClient
):
    await put(ann, "mine.txt")
    me = (await ann.get("/api/auth/me")).json()["id"]
    assert (await bob.get("/api/files")).json() == {"items": []}
    for name in (
        "mine.txt",
        f"../{me}/mine.txt",
        f"..%2F{me}%2Fmine.txt",
        "../../secret_key",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
    ):
        for method in ("GET", "DELETE"):
            answer = await bob.request(method, f"/api/files/{name}")
            assert answer.status_code in (404, 405), name
            assert b"hello" not in answer.content
    for answer in (
        await put(stranger, "x"),
        await stranger.get("/api/files"),
        await stranger.get("/api/files/mine.txt"),
    ):
        assert_error(answer, 401)
    assert (await ann.get("/api/files/mine.txt")).content == b"hello"


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("../../evil.txt", "evil.txt"),
        ("C:\\Users\\ann\\plan.docx", "plan.docx"),
        (".hidden", "hidden"),
        ("a\r\nb\t.txt", "a b.txt"),
        ("what?.pdf", "what.pdf"),
        ("Gru\u0308ße.md", "Grüße.md"),
        ("x" * 500 + ".pdf", "x" * 196 + ".pdf"),
    ],
)
async def test_names_are_cleaned(name: str, becomes: str, ann: httpx.AsyncClient, tmp_path: Path):
    assert (await put(ann, name)).json()["name"] == becomes
    assert (await ann.get(f"/api/files/{becomes}")).status_code == 200
    assert kept(tmp_path) == [becomes]


@pytest.mark.parametrize("name", ["", "..", "/", "...", "\u202e", " "])
async def test_a_file_without_a_name_is_refused(name: str, ann: httpx.AsyncClient, tmp_path: Path):
    assert_error(await put(ann, name), 400, "INVALID_NAME")
    assert_error(await ann.post("/api/files", data={"a": "b"}, files={}), 400)
    assert kept(tmp_path) == []


async def test_what_is_too_large_is_refused_and_leaves_nothing(awe: Running, ann: httpx.AsyncClient, tmp_path: Path):
    awe.services.files.max_bytes = MB

    async def endless() -> AsyncIterator[bytes]:
        sent = 0
        while sent < 100 * MB:
            sent += 64 * 1024
            yield bytes(64 * 1024)
        raise AssertionError("it was read to its end")

    assert_error(await ann.post("/api/files?name=a", content=endless()), 413, "FILE_TOO_LARGE")
    assert_error(await put(ann, "a", bytes(MB + 1)), 413, "FILE_TOO_LARGE")
    assert_error(await put(ann, "a", bytes(2 * MB)), 413, "FILE_TOO_LARGE")
    large = {"file": ("a", bytes(MB + 1), "text/plain")}
    assert_error(await ann.post("/api/files", files=large), 413, "FILE_TOO_LARGE")
    assert (await put(ann, "a", bytes(MB))).status_code == 201
    assert kept(tmp_path) == ["a"]


async def test_all_files_of_a_user_together_have_a_limit(awe: Running, ann: httpx.AsyncClient, bob: httpx.AsyncClient):
    awe.services.files._max_total_bytes = 10
    assert (await put(ann, "a", b"123456")).status_code == 201
    assert_error(await put(ann, "b", b"12345"), 413, "FILES_FULL")
    assert (await put(ann, "a", b"1234567890")).status_code == 201
    assert (await put(bob, "b", b"12345")).status_code == 201


async def test_the_gate_still_refuses_large_bodies_elsewhere(ann: httpx.AsyncClient):
    large = b'"' + bytes(6 * MB) + b'"'
    for path in ("/api/workflows", "/api/files/x", "/api/filesx"):
        assert_error(await ann.post(path, content=large), 413, "BODY_TOO_LARGE")
    assert (await put(ann, "six.bin", large)).status_code == 201


async def test_a_workflow_reads_the_file_that_its_input_names(ann: httpx.AsyncClient):
    await put(ann, "report.csv", b"item,price\ntea,3")
    raw = graph(
        "start -> read -> end",
        node("start", "input", {"fields": [{"name": "report", "type": "file", "required": True}]}),
        node("read", "tool", {"tool": "file_reader", "arguments": {"path": "{{ inputs.report }}"}}),
        node("end", "output", {"value": "{{ nodes.read.output.text }}"}),
    )
    made = (await ann.post("/api/workflows", json=raw)).json()
    ran = await ann.post(f"/api/workflows/{made['id']}/execute?wait=30", json={"inputs": {"report": "report.csv"}})
    assert ran.json()["result"] == "item,price\ntea,3"
