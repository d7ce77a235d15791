"""Addresses on the web are read in one way or not at all, and what is internal is known by its number."""

import pytest

from kernel.destinations import Origin, Unreadable, destination_of, is_public, origin_of


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://Example.ORG", "https://example.org", "/"),
        ("HTTPS://example.org:443/a/b?c=d&e#f", "https://example.org", "/a/b?c=d&e"),
        ("http://example.org:8080?q=1", "http://example.org:8080", "/?q=1"),
        ("https://xn--bcher-kva.example/%C3%A9", "https://xn--bcher-kva.example", "/%C3%A9"),
        ("https://93.184.215.14/", "https://93.184.215.14", "/"),
        ("https://[2606:2800:021F::1]:8443/", "https://[2606:2800:21f::1]:8443", "/"),
        ("https://example.org//evil.example.org/", "https://example.org", "//evil.example.org/"),
        ("https://example.org/@user:x", "https://example.org", "/@user:x"),
    ],
)
def test_an_address_is_read(url: str, origin: str, target: str) -> None:
    destination = destination_of(url)

    assert (str(destination.origin), destination.target) == (origin, target)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("file:///etc/passwd", id="B083-file"),
        pytest.param("gopher://example.org/", id="B083-gopher"),
        pytest.param("ftp://example.org/", id="B083-ftp"),
        pytest.param("data:text/html,x", id="B083-data"),
        pytest.param("dict://example.org:11211/", id="B083-dict"),
        pytest.param("jar:https://example.org!/", id="B083-jar"),
        pytest.param("javascript:alert(1)", id="B083-javascript"),
        pytest.param("//example.org/", id="B083-no-scheme"),
        pytest.param("http:example.org", id="B083-no-slashes"),
        pytest.param("https:/example.org", id="B083-one-slash"),
        pytest.param("https:///example.org", id="B083-three-slashes"),
        pytest.param("https://", id="B083-nothing"),
        pytest.param("", id="B083-empty"),
        pytest.param("https://user@example.org/", id="user"),
        pytest.param("https://example.org@10.0.0.1/", id="user-that-is-a-host"),
        pytest.param("https://example.org:443@10.0.0.1/", id="user-and-port"),
        pytest.param("https://example.org\\@10.0.0.1/", id="backslash"),
        pytest.param("https://example.org /", id="space"),
        pytest.param(" https://example.org/", id="space-before"),
        pytest.param("https://example.org/\r\nHost: x", id="B041-lines"),
        pytest.param("https://exam\tple.org/", id="tab"),
        pytest.param("https://example.org/\x00", id="B009-nul"),
        pytest.param("https://example.org:/", id="port-empty"),
        pytest.param("https://example.org:0/", id="port-0"),
        pytest.param("https://example.org:65536/", id="port-65536"),
        pytest.param("https://example.org:+443/", id="port-plus"),
        pytest.param("https://example.org:443:80/", id="two-ports"),
        pytest.param("https://example.org./", id="dot-at-the-end"),
        pytest.param("https://.example.org/", id="dot-in-front"),
        pytest.param("https://exa..mple.org/", id="two-dots"),
        pytest.param("https://-example.org/", id="hyphen"),
        pytest.param("https://exa_mple.org/", id="underscore"),
        pytest.param("https://exam%70le.org/", id="percent"),
        pytest.param("https://bücher.example/", id="other-alphabet"),
        pytest.param("https://127。0。0。1/", id="B082-full-width-dots"),
        pytest.param("https://①②⑦.⓪.⓪.①/", id="B082-enclosed-digits"),
        pytest.param("https://127.1/", id="B082-short"),
        pytest.param("https://0x7f.1/", id="B082-hex"),
        pytest.param("https://0x7f000001/", id="B082-hex-number"),
        pytest.param("https://127.0.0.0x1/", id="B082-hex-at-the-end"),
        pytest.param("https://2130706433/", id="B082-number"),
        pytest.param("https://017700000001/", id="B082-octal"),
        pytest.param("https://127.0.0.01/", id="B082-zero-in-front"),
        pytest.param("https://0177.0.0.1/", id="B082-octal-part"),
        pytest.param("https://256.0.0.1/", id="B082-256"),
        pytest.param("https://1.2.3.4.5/", id="B082-five-parts"),
        pytest.param("https://[fe80::1%25eth0]/", id="B082-zone"),
        pytest.param("https://[::1]x/", id="bracket-and-more"),
        pytest.param("https://x[::1]/", id="more-and-bracket"),
        pytest.param("https://[::1/", id="open-bracket"),
        pytest.param("https://[127.0.0.1]/", id="ipv4-in-brackets"),
        pytest.param("https://[v1.x]/", id="future-address"),
        pytest.param(f"https://{'a' * 64}.org/", id="long-label"),
        pytest.param(f"https://{'a.' * 127}org/", id="long-name"),
        pytest.param(f"https://example.org/{'a' * 4096}", id="long"),
    ],
)
def test_what_can_be_read_in_two_ways_is_not_read(url: str) -> None:
    with pytest.raises(Unreadable):
        destination_of(url)


@pytest.mark.parametrize(
    "url", ["https://example.org/a", "https://example.org/?", "https://example.org#", "example.org"]
)
def test_an_origin_is_scheme_host_and_port_and_no_more(url: str) -> None:
    with pytest.raises(Unreadable):
        origin_of(url)


def test_an_origin_is_equal_however_it_was_written() -> None:
    assert origin_of("https://Example.org:443/") == Origin("https", "example.org", 443)
    assert origin_of("http://[::0001]:9000").authority == "[::1]:9000"


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("0.0.0.0", id="B082-this"),  # noqa: S104  (nothing is bound)
        pytest.param("10.255.255.255", id="B082-private"),
        pytest.param("100.64.0.1", id="B082-carrier"),
        pytest.param("100.100.100.200", id="metadata-alibaba"),
        pytest.param("127.8.8.8", id="B082-loopback"),
        pytest.param("168.63.129.16", id="metadata-azure"),
        pytest.param("169.254.169.254", id="B081-metadata"),
        pytest.param("172.31.0.1", id="B082-private-172"),
        pytest.param("192.0.0.192", id="metadata-oracle"),
        pytest.param("192.0.2.1", id="documentation"),
        pytest.param("192.88.99.1", id="6to4-relay"),
        pytest.param("192.168.1.1", id="B082-private-192"),
        pytest.param("198.18.0.1", id="B082-benchmarks"),
        pytest.param("224.0.0.1", id="multicast"),
        pytest.param("240.0.0.1", id="reserved"),
        pytest.param("255.255.255.255", id="broadcast"),
        pytest.param("::", id="unspecified"),
        pytest.param("::1", id="loopback-6"),
        pytest.param("::10.0.0.1", id="compatible"),
        pytest.param("::ffff:10.0.0.1", id="B082-mapped"),
        pytest.param("::ffff:8.8.8.8", id="mapped-public"),
        pytest.param("64:ff9b::7f00:1", id="B082-nat64"),
        pytest.param("64:ff9b:1::1", id="nat64-local"),
        pytest.param("100::1", id="discard"),
        pytest.param("2001::1", id="teredo"),
        pytest.param("2001:db8::1", id="documentation-6"),
        pytest.param("2002:7f00:1::", id="6to4"),
        pytest.param("3fff::1", id="documentation-3fff"),
        pytest.param("5f00::1", id="segment-routing"),
        pytest.param("fc00::1", id="unique-local"),
        pytest.param("fd00:ec2::254", id="metadata-aws-6"),
        pytest.param("fe80::1", id="link-local"),
        pytest.param("fe80::1%eth0", id="B082-zone"),
        pytest.param("2606:2800::1%eth0", id="zone-of-a-public-one"),
        pytest.param("fec0::1", id="site-local"),
        pytest.param("ff02::1", id="multicast-6"),
        pytest.param("no address", id="garbage"),
    ],
)
def test_what_is_not_of_the_public_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "93.184.215.14", "172.32.0.1", "192.0.1.1", "2606:4700::1"])
def test_what_is_of_the_public_internet(address: str) -> None:
    assert is_public(address)
