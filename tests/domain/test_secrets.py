"""Where a secret may go."""

import pytest

from awe_app.domain.secrets import goes_to, is_host_rule


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://api.github.com/user?x=1", "api.github.com"),
        ("HTTPS://API.GitHub.com:443/", "api.github.com"),
        ("https://api.github.com./", "api.github.com"),
        ("https://a.b.example.com/", "*.example.com"),
        ("http://localhost:8080/", "localhost:8080"),
        ("https://example.com:8443/", "example.com:8443"),
        ("http://[::1]:80/", "[::1]:80"),
    ],
)
def test_it_goes_to_the_hosts_it_names(url: str, rule: str):
    assert is_host_rule(rule)
    assert goes_to(url, ["other.example", rule])


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://api.github.com/", "api.github.com"),
        ("https://api.github.com:8443/", "api.github.com"),
        ("https://api.github.com.evil.example/", "api.github.com"),
        ("https://evil.example/api.github.com", "api.github.com"),
        ("https://api.github.com@evil.example/", "api.github.com"),
        ("https://evil.example#@api.github.com/", "api.github.com"),
        ("https://user@api.github.com/", "api.github.com"),
        ("https://xapi.github.com/", "api.github.com"),
        ("https://example.com/", "*.example.com"),
        ("https://badexample.com/", "*.example.com"),
        ("https://localhost/", "localhost:8080"),
        ("ftp://api.github.com/", "api.github.com"),
        ("//api.github.com/", "api.github.com"),
        ("https://api.github.com:x/", "api.github.com"),
        ("https://[api.github.com/", "api.github.com"),
        ("", "api.github.com"),
    ],
)
def test_it_goes_nowhere_else(url: str, rule: str):
    assert not goes_to(url, [rule])
    assert not goes_to(url, [])


@pytest.mark.parametrize(
    "rule", ["", "*", "*.", "https://x.y", "a/b", "a b", "a:port", "user@host", "a..*", "*.*.b", "ü.de"]
)
def test_what_is_no_host_is_refused(rule: str):
    assert not is_host_rule(rule)
