"""Which addresses messages may go to."""

import pytest

from tracker.jobs.addresses import Refused, check_url, is_public, resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",  # the cloud's metadata
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "fec0::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "not an address",
    ],
)
def test_an_address_that_is_not_of_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8000/",
        "http://[::1]/",
        "http://2130706433/",  # 127.0.0.1 as one number
        "http://0x7f.1/",
        "http://[::ffff:10.0.0.1]/",
    ],
)
def test_a_url_that_leads_to_a_private_address_is_refused(url: str) -> None:
    with pytest.raises(Refused, match=r"private or local|not known"):
        resolve(url, allow_private=False)


def test_development_may_allow_private_addresses() -> None:
    target = resolve("http://127.0.0.1:8123/hook?x=1", allow_private=True)
    assert (target.addresses, target.port, target.path) == (("127.0.0.1",), 8123, "/hook?x=1")
    assert target.host_header == "127.0.0.1:8123"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://",
        "https://user:secret@example.com/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "https://exämple.com/",
    ],
)
def test_a_malformed_url_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        check_url(url)
