"""One HTTP exchange in workflow terms: values become a request, the answer becomes values."""

import base64
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from awe_app.domain.errors import NodeFailed
from awe_app.domain.http import MAX_BODY_BYTES, HttpAnswer, HttpRequest, OutboundHttp
from awe_app.domain.values import as_text

MAX_DEPTH = 64
"""JSON nested deeper stays text; the rest of AWE takes no deeper values either."""
_UNSAFE = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What to ask for. No log ever shows the headers, the query or the body."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, Any] = field(default_factory=dict, repr=False)
    query: Mapping[str, Any] = field(default_factory=dict, repr=False)
    body: Any = field(default=None, repr=False)
    timeout_s: float = 30.0
    max_bytes: int = MAX_BODY_BYTES
    only_hosts: Sequence[str] = ()
    hidden: Sequence[str] = field(default=(), repr=False)
    """Secrets in it; ``***`` stands for them where the server sends them back."""

    async def run(self, http: OutboundHttp, idempotency_key: str, log: Callable[..., None]) -> dict[str, Any]:
        """Make the request; gives ``{status, headers, body}``, whatever the status. Raises as ``OutboundHttp.send``."""
        request = self.request(idempotency_key)
        began = perf_counter()
        answer = await http.send(request)
        output, remark = read(_without(answer, self.hidden))
        took_ms = round((perf_counter() - began) * 1000)
        host = urlsplit(self.url).hostname  # never the path or query: they may hold secrets
        log(
            f"{self.method} to {host} answered {answer.status} in {took_ms} ms",
            status=answer.status,
            size_bytes=len(answer.body),
        )
        if remark:
            log(remark, "warning")
        return output

    def request(self, idempotency_key: str) -> HttpRequest:
        """The request, with the key as a header where doing it twice could show, unless one is set already.

        Raises:
            NodeFailed: ``INVALID_REQUEST``.
        """
        headers = {name: as_text(value) for name, value in self.headers.items() if value is not None}
        known = {name.lower(): value for name, value in headers.items()}
        body, content_type = _encoded(self.body, known.get("content-type", ""))
        defaults = {"User-Agent": "AWE", "Accept": "*/*", "Content-Type": content_type}
        if self.method in _UNSAFE:
            defaults["Idempotency-Key"] = idempotency_key
        headers |= {name: value for name, value in defaults.items() if value and name.lower() not in known}
        return HttpRequest(self.method, self._address(), headers, body, self.timeout_s, self.max_bytes, self.only_hosts)

    def _address(self) -> str:
        pairs: list[tuple[str, str]] = []
        for name, value in self.query.items():
            values = value if isinstance(value, list | tuple) else [value]
            pairs += [(name, as_text(each)) for each in values if each is not None]
        if not pairs:
            return self.url.strip()
        try:
            parts = urlsplit(self.url.strip())
        except ValueError:
            raise NodeFailed("INVALID_REQUEST", "url is no address of the form https://host/path") from None
        kept = parse_qsl(parts.query, keep_blank_values=True)
        return urlunsplit(parts._replace(query=urlencode([*kept, *pairs])))


def _encoded(body: Any, content_type: str) -> tuple[bytes | None, str]:
    """The body's bytes and the content type that says what they are."""
    if body is None or body == "":
        return None, ""
    if isinstance(body, str):
        return body.encode("utf-8", "replace"), _JSON if _is_json(body) else "text/plain; charset=utf-8"
    if isinstance(body, Mapping) and content_type.partition(";")[0].strip().lower() == _FORM:
        values = {
            name: [as_text(v) for v in (value if isinstance(value, list) else [value])] for name, value in body.items()
        }
        return urlencode(values, doseq=True).encode(), _FORM
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"), _JSON


def _is_json(text: str) -> bool:
    """True for a text that is a JSON object or list."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _without(answer: HttpAnswer, hidden: Sequence[str]) -> HttpAnswer:
    """The answer without these texts, however it writes them: as they are, in JSON or in an address."""
    body, headers = answer.body, dict(answer.headers)
    for secret in hidden:
        for text in {secret, json.dumps(secret)[1:-1], quote(secret), quote(secret, safe="")}:
            body = body.replace(text.encode(), b"***")
            headers = {name: value.replace(text, "***") for name, value in headers.items()}
    return replace(answer, body=body, headers=headers) if hidden else answer


def read(answer: HttpAnswer) -> tuple[dict[str, Any], str]:
    """``{status, headers, body}``, and a remark for the log where the body is not what the server says it is.

    The body is JSON where the server says so, text where the bytes are text, otherwise
    ``{"content_type", "base64"}``; nothing is null.
    """
    content_type = answer.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    remark = ""
    body: Any = None
    if answer.body:
        body = _text(answer, kind)
        if body is None:
            body = {"content_type": content_type, "base64": base64.b64encode(answer.body).decode()}
        elif kind == _JSON or kind.endswith("+json"):
            try:
                body = _json(body)
            except (ValueError, RecursionError):
                remark = "the server says it sends JSON, and this is none that AWE can take; it is given as text"
    headers: dict[str, Any] = dict(answer.headers)
    if "set-cookie" in headers:
        headers["set-cookie"] = headers["set-cookie"].split("\n")
    return {"status": answer.status, "headers": headers, "body": body}, remark


def _text(answer: HttpAnswer, kind: str) -> str | None:
    """The body as text; None where it is no text."""
    try:
        if answer.charset:
            return answer.body.decode(answer.charset)
        text = answer.body.decode("utf-8-sig")
    except (UnicodeError, LookupError):
        return answer.body.decode("latin-1") if kind.startswith("text/") else None
    return None if "\0" in text else text


def _json(text: str) -> Any:
    """The value. Raises ValueError for what is no JSON, holds NaN or infinities, or is nested too deeply."""
    value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise ValueError("nested too deeply")
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        depth += 1
    return depth
