"""Searching the web and reading pages, against a server that speaks each engine's format."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from awe_app.adapters.documents import Documents
from awe_app.adapters.http import HttpClient
from awe_app.domain.errors import NodeFailed
from awe_app.tools.base import read_settings
from awe_app.tools.registry import find_tool
from tests.documents import pdf
from tests.http_server import HttpServer, says, sends_on
from tests.tools.test_tools import OneSecret, failure, use

DUCKDUCKGO = """<html><body><div id="links" class="results">
<div class="result result--ad"><h2><a class="result__a" href="https://ad.example/">Buy</a></h2></div>
<div class="result results_links web-result"><div class="links_main result__body">
<h2 class="result__title"><a class="result__a"
href="//duckduckgo.com/l/?uddg=https%3A%2F%2Ftea.example%2Fgreen%3Fa%3D1&amp;rut=x">
Green <b>tea</b></a></h2><a class="result__snippet" href="x">All about <b>green</b> tea &amp; cups</a></div></div>
<div class="result web-result"><h2><a class="result__a" href="https://two.example/">Two</a></h2></div>
<div class="result web-result"><h2><a class="result__a" href="javascript:alert(1)">Three</a></h2></div>
<div class="result result--no-result"></div></div></body></html>"""
FOUND = [
    {"title": "Green tea", "url": "https://tea.example/green?a=1", "snippet": "All about green tea & cups"},
    {"title": "Two", "url": "https://two.example/", "snippet": ""},
]
LISTED = [
    {"title": "Green <strong>tea</strong>", "url": FOUND[0]["url"], "SNIPPET": "All about <b>green</b> tea &amp; cups"},
    {"title": "Two", "url": "https://two.example/"},
]
JSON = "application/json"


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with HttpServer() as started:
        yield started


@pytest.fixture
async def parts(server: HttpServer) -> AsyncIterator[dict[str, Any]]:
    client = HttpClient([server.host])
    yield {"http": client, "documents": Documents(), "secrets": OneSecret(server.host)}
    await client.stop()


def listed(snippet: str) -> list[dict[str, str]]:
    return [{key.replace("SNIPPET", snippet): value for key, value in each.items()} for each in LISTED]


def setting(engine: str, server: HttpServer) -> dict[str, Any]:
    key = {"key": {"secret": "key"}} if engine in ("brave", "tavily") else {}
    return {"engine": engine, "base_url": server.url, **key}


async def test_duckduckgo_is_asked_without_a_key(server: HttpServer, parts: dict[str, Any]):
    server.otherwise = says(DUCKDUCKGO, content_type="text/html; charset=utf-8")
    logs: list[str] = []
    found = await use("web_search", {"query": "grüner tee"}, settings=setting("duckduckgo", server), logs=logs, **parts)
    assert found == FOUND
    assert (server.asked[0].method, server.asked[0].target) == ("POST", "/html/")
    assert parse_qs(server.asked[0].body.decode())["q"] == ["grüner tee"]
    assert logs == ["duckduckgo found 2 pages"]


async def test_searxng_brave_and_tavily_are_asked_in_their_own_words(server: HttpServer, parts: dict[str, Any]):
    server.answers["/search"] = says(json.dumps({"results": listed("content")}), content_type=JSON)
    server.answers["/res/v1/web/search"] = says(
        json.dumps({"web": {"results": listed("description")}}), content_type=JSON
    )
    for engine in ("searxng", "brave", "tavily"):
        arguments = {"query": "green tea", "count": 7}
        assert await use("web_search", arguments, settings=setting(engine, server), **parts) == FOUND
    searxng, brave, tavily = server.asked
    assert parse_qs(urlsplit(searxng.target).query) == {"q": ["green tea"], "format": ["json"]}
    assert parse_qs(urlsplit(brave.target).query) == {"q": ["green tea"], "count": ["7"]}
    assert brave.headers["x-subscription-token"] == "s3cret-value"
    assert json.loads(tavily.body) == {"query": "green tea", "max_results": 7}
    assert tavily.headers["authorization"] == "Bearer s3cret-value"
    assert "authorization" not in searxng.headers


async def test_no_more_results_than_asked_for_and_none_is_no_failure(server: HttpServer, parts: dict[str, Any]):
    server.otherwise = says(DUCKDUCKGO, content_type="text/html")
    settings = setting("duckduckgo", server)
    assert await use("web_search", {"query": "tea", "count": 1}, settings=settings, **parts) == FOUND[:1]
    server.otherwise = says('{"query": "x"}', content_type=JSON)
    for engine in ("searxng", "brave", "tavily"):
        assert await use("web_search", {"query": "tea"}, settings=setting(engine, server), **parts) == []


@pytest.mark.parametrize(
    ("engine", "status", "body", "code", "retryable"),
    [
        ("searxng", 403, "", "SEARCH_REFUSED", False),
        ("brave", 401, "", "SEARCH_REFUSED", False),
        ("brave", 429, "", "SEARCH_BUSY", True),
        ("tavily", 500, "", "SEARCH_BUSY", True),
        ("tavily", 404, "", "SEARCH_FAILED", False),
        ("tavily", 200, "<html>", "SEARCH_FAILED", False),
        ("brave", 200, '{"web": [1]}', "SEARCH_FAILED", False),
        ("searxng", 200, '{"results": [1]}', "SEARCH_FAILED", False),
        ("duckduckgo", 202, "<p>Select all ducks</p>", "SEARCH_REFUSED", True),
        ("duckduckgo", 200, '<div class="anomaly-modal__title">ducks</div>', "SEARCH_REFUSED", True),
    ],
)
async def test_what_an_engine_refuses_is_told(
    engine: str, status: int, body: str, code: str, retryable: bool, server: HttpServer, parts: dict[str, Any]
):
    server.otherwise = says(body, status, "text/html")
    failed = await failure("web_search", {"query": "tea"}, settings=setting(engine, server), **parts)
    assert (failed.code, failed.retryable) == (code, retryable)
    assert engine in failed.detail


@pytest.mark.parametrize(
    "settings",
    [
        {"engine": "searxng"},
        {"engine": "brave"},
        {"engine": "tavily", "key": "tvly-plain"},
        {"engine": "google"},
        {"base_url": "file:///etc/passwd"},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]):
    with pytest.raises(NodeFailed, match="INVALID_SETTING") as failed:
        read_settings(find_tool("web_search"), settings)
    assert "tvly-plain" not in str(failed.value)


TEXT = f"<h1>Green</h1><p>{'Steep it. ' * 60}</p>"
PAGE = f"<html><head><title>Tea</title></head><body><article>{TEXT}</article></body></html>"


async def test_a_page_is_read_as_text_in_parts(server: HttpServer, parts: dict[str, Any]):
    server.otherwise = says(PAGE, content_type="text/html; charset=utf-8")
    got = await use("read_page", {"url": f"{server.url}/tea.pdf", "max_chars": 100}, **parts)
    assert (got["title"], got["text"][:7], len(got["text"]), got["cut"]) == ("Tea", "# Green", 100, 100)
    rest = await use("read_page", {"url": server.url, "start": 100}, **parts)
    assert (rest["cut"], rest["text"].count("Steep") > 40) == (None, True)


async def test_documents_are_read_by_what_the_server_says_or_by_their_name(server: HttpServer, parts: dict[str, Any]):
    server.answers["/a"] = says(pdf("As a PDF"), content_type="application/pdf")
    server.answers["/b.pdf"] = says(pdf("By its name"), content_type="application/octet-stream")
    assert (await use("read_page", {"url": f"{server.url}/a"}, **parts))["text"] == "As a PDF"
    assert (await use("read_page", {"url": f"{server.url}/b.pdf"}, **parts))["text"] == "By its name"


async def test_pages_that_cannot_be_read_are_told(server: HttpServer, parts: dict[str, Any]):
    server.answers["/gone"] = says("", 404)
    server.answers["/image"] = says(b"\x89PNG\xff\x00", content_type="image/png")
    server.answers["/away"] = sends_on("https://example.com/")
    for path, code in (("gone", "HTTP_STATUS"), ("image", "UNKNOWN_FORMAT")):
        assert (await failure("read_page", {"url": f"{server.url}/{path}"}, **parts)).code == code
    inside = await failure("read_page", {"url": "http://169.254.169.254/latest"}, **parts)
    assert inside.code == "ADDRESS_BLOCKED"
    settings = {"allowed_hosts": [server.host]}
    assert (await failure("read_page", {"url": f"{server.url}/away"}, settings=settings, **parts)).code == (
        "REDIRECT_REFUSED"
    )
    elsewhere = await failure("read_page", {"url": "https://example.com"}, settings=settings, **parts)
    assert elsewhere.code == "HOST_NOT_ALLOWED"
