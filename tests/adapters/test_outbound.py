"""Which addresses may be called."""

import pytest

from awe_app.adapters.outbound import BlockedAddress, Outbound, guarded_socket, public
from awe_app.domain.errors import NodeFailed

INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.8", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",
    "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_inside_is_not_public(address: str):
    assert not public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101"])
def test_outside_is_public(address: str):
    assert public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/v1", "http://localhost/", "http://[::1]:80/", "http://2130706433/", "http://0x7f.1/",
        "http://127.1/", "http://localhost./", "ftp://example.com/", "file:///etc/passwd", "http://",
        "http://user:pw@1.1.1.1/", "http://1.1.1.1:99999/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/",
    ],
)  # fmt: skip
async def test_what_is_inside_or_no_address_is_blocked(url: str):
    with pytest.raises(NodeFailed) as failure:
        await Outbound().check(url)
    assert failure.value.code == "ADDRESS_BLOCKED"
    assert "pw" not in failure.value.detail.replace(url, "")


async def test_the_operator_allows_host_and_port_only():
    rule = Outbound(["LocalHost:11434", "[::1]:9000"])
    await rule.check("http://localhost:11434/v1")
    assert rule.permits("127.0.0.1", 11434)
    for url in ("http://localhost:11435/", "http://127.0.0.1:11434/", "https://localhost/"):
        with pytest.raises(NodeFailed):
            await rule.check(url)
    assert not rule.permits("127.0.0.1", 11435)


async def test_a_public_address_is_allowed():
    await Outbound().check("https://1.1.1.1/v1")


async def test_an_unknown_name_may_be_tried_again():
    with pytest.raises(NodeFailed) as failure:
        await Outbound().check("https://no-such-host.invalid/")
    assert (failure.value.code, failure.value.retryable) == ("HOST_UNKNOWN", True)


def test_the_address_that_is_dialled_is_judged_again():
    def info(address: str) -> tuple[object, ...]:
        return (2, 1, 6, "", (address, 80))

    rule = Outbound()
    with pytest.raises(BlockedAddress):
        guarded_socket(info("1.1.1.1"))  # outside any rule nothing is dialled
    with rule.dialling():
        guarded_socket(info("1.1.1.1")).close()
        with pytest.raises(BlockedAddress):
            guarded_socket(info("10.0.0.1"))
