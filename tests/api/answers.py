"""What to expect of answers."""

from datetime import UTC, datetime

import httpx


def assert_error(answer: httpx.Response, status: int, code: str | None = None) -> dict:
    """The answer is an error in the form of CONTRACT §3; gives its body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert {"detail", "error_code", "timestamp"} <= set(body) <= {"detail", "error_code", "timestamp", "issues"}
    assert isinstance(body["detail"], str)
    assert body["detail"]
    assert code is None or body["error_code"] == code
    assert body["timestamp"].endswith("Z")
    assert abs((datetime.now(UTC) - datetime.fromisoformat(body["timestamp"])).total_seconds()) < 60
    return body
