"""What each search engine is asked, and how its answer reads."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from awe_app.domain.errors import NodeFailed
from awe_app.domain.http import HttpAnswer, HttpRequest, OutboundHttp

MAX_BYTES = 2 * 1024 * 1024
TIMEOUT_S = 20.0
SNIPPET_CHARS = 1_000
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
"""DuckDuckGo's page is for browsers; it refuses others."""

Results = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Engine:
    """One search engine."""

    base_url: str
    """Empty: there is no usual one."""
    needs_key: bool
    ask: Callable[[str, str, int, str], HttpRequest]
    """``ask(base_url, query, count, key)``"""
    read: Callable[[HttpAnswer], Results]


async def search(name: str, base_url: str, query: str, count: int, key: str, http: OutboundHttp) -> Results:
    """Up to ``count`` results as ``{title, url, snippet}``.

    Raises:
        NodeFailed: ``SEARCH_REFUSED`` (its key, or it takes AWE for a robot), ``SEARCH_BUSY`` (may be tried again),
            ``SEARCH_FAILED``, and what ``OutboundHttp.send`` raises.
    """
    engine = ENGINES[name]
    answer = await http.send(engine.ask(base_url.rstrip("/"), query, count, key))
    if answer.status in (401, 403):
        hint = "is json among its search.formats?" if name == "searxng" else "check the key"
        raise NodeFailed("SEARCH_REFUSED", f"{name} refuses the search ({answer.status})", hint)
    if answer.status == 429 or answer.status >= 500:
        raise NodeFailed("SEARCH_BUSY", f"{name} takes no search now ({answer.status})", retryable=True)
    if answer.status >= 300:
        raise NodeFailed("SEARCH_FAILED", f"{name} answered {answer.status}")
    try:
        found = await asyncio.to_thread(engine.read, answer)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise NodeFailed("SEARCH_FAILED", f"what {name} answered holds no results that can be read") from None
    unique = {each["url"]: each for each in found if each["url"].startswith(("http://", "https://"))}
    return list(unique.values())[:count]


def _duckduckgo(base_url: str, query: str, _count: int, _key: str) -> HttpRequest:
    headers = {"User-Agent": _BROWSER, "Accept": "text/html", "Accept-Language": "en-US,en;q=0.8"}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    body = urlencode({"q": query, "b": "", "kl": "wt-wt"}).encode()
    return HttpRequest("POST", f"{base_url}/html/", headers, body, TIMEOUT_S, MAX_BYTES)


def _read_duckduckgo(answer: HttpAnswer) -> Results:
    import lxml.html

    page = lxml.html.document_fromstring(answer.body, parser=lxml.html.HTMLParser(encoding="utf-8"))
    if answer.status == 202 or page.xpath("//*[contains(@class, 'anomaly-modal')]"):
        hint = "wait a while, or choose searxng, brave or tavily in the tool's settings"
        raise NodeFailed("SEARCH_REFUSED", "duckduckgo takes AWE for a robot and shows a riddle", hint, retryable=True)
    results: Results = []
    for box in page.xpath("//div[contains(concat(' ', @class, ' '), ' result ')]"):
        links = box.xpath(".//a[contains(concat(' ', @class, ' '), ' result__a ')]")
        if not links or "result--ad" in box.get("class", ""):
            continue
        snippet = box.xpath(".//*[contains(concat(' ', @class, ' '), ' result__snippet ')]")
        said = snippet[0].text_content() if snippet else ""
        results.append(_result(links[0].text_content(), _target(links[0].get("href", "")), said))
    return results


def _target(href: str) -> str:
    """Where a link of DuckDuckGo's page leads: it goes by way of a counter."""
    parts = urlsplit(href)
    if parts.path == "/l/" and (wrapped := parse_qs(parts.query).get("uddg")):
        return wrapped[0]
    return f"https:{href}" if href.startswith("//") else href


def _searxng(base_url: str, query: str, _count: int, key: str) -> HttpRequest:
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    return _get(f"{base_url}/search", {"q": query, "format": "json"}, headers)


def _brave(base_url: str, query: str, count: int, key: str) -> HttpRequest:
    headers = {"Accept": "application/json", "X-Subscription-Token": key}
    return _get(f"{base_url}/res/v1/web/search", {"q": query, "count": str(count)}, headers)


def _tavily(base_url: str, query: str, count: int, key: str) -> HttpRequest:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    body = json.dumps({"query": query, "max_results": count}).encode()
    return HttpRequest("POST", f"{base_url}/search", headers, body, TIMEOUT_S, MAX_BYTES)


def _get(url: str, query: Mapping[str, str], headers: Mapping[str, str]) -> HttpRequest:
    return HttpRequest("GET", f"{url}?{urlencode(query)}", headers, None, TIMEOUT_S, MAX_BYTES)


def _listed(snippet: str, *place: str) -> Callable[[HttpAnswer], Results]:
    """For engines that answer in JSON: the list stands at ``place``, the snippet under that name."""

    def read(answer: HttpAnswer) -> Results:
        found: Any = json.loads(answer.body)
        for key in place:
            found = found.get(key) or {}
        return [_result(each.get("title"), each["url"], each.get(snippet)) for each in found or ()]

    return read


def _result(title: Any, url: str, snippet: Any) -> dict[str, str]:
    return {"title": _plain(title)[:300], "url": url, "snippet": _plain(snippet)[:SNIPPET_CHARS]}


def _plain(text: Any) -> str:
    """Without marks such as ``<strong>`` around what was looked for."""
    return " ".join(unescape(re.sub(r"</?[a-z][^<>]*>", "", str(text or ""))).split())


ENGINES: Mapping[str, Engine] = {
    "duckduckgo": Engine("https://html.duckduckgo.com", False, _duckduckgo, _read_duckduckgo),
    "searxng": Engine("", False, _searxng, _listed("content", "results")),
    "brave": Engine("https://api.search.brave.com", True, _brave, _listed("description", "web", "results")),
    "tavily": Engine("https://api.tavily.com", True, _tavily, _listed("content", "results")),
}
