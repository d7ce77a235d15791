"""The one way out: what it asks, whom it refuses to ask, and what it does not take for an answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction
from pytest_django import Settings

from kernel.destinations import origin_of
from kernel.kept_connections import KeptConnections
from kernel.outbound import AddressRefused, AnswerRefused, Limits, NoAnswer, Outbound, OutboundRefused, outbound
from tests.kernel.internet import OTHER_PUBLIC, PUBLIC, Authority, Server, SmallInternet, a_server

NAME = "media.example.org"
SMALL = Limits(connect_seconds=2, read_seconds=0.4, total_seconds=2, header_bytes=20_000, body_bytes=1000)
NOT_PUBLIC = "This host is not on the public internet."


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.in_folder(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    """A server with a certificate for its name and its public address."""
    with a_server(authority.context(NAME, PUBLIC)) as running:
        yield running


@pytest.fixture
def internet(server: Server) -> SmallInternet:
    return SmallInternet(names={NAME: [[PUBLIC]]}, servers={(PUBLIC, 443): server.port})


@pytest.fixture
def way_out(internet: SmallInternet, authority: Authority) -> Outbound:
    return Outbound(network=internet, authorities=authority.file, own_hosts=("assay.example.org", ".cdn.example.org"))


def refusal_of(way_out: Outbound, url: str, limits: Limits = SMALL) -> OutboundRefused:
    with pytest.raises(OutboundRefused) as refusal:
        way_out.fetch(url=url, media_types={"image/png"}, limits=limits)
    return refusal.value


# What is asked


def test_a_file_is_fetched_from_the_address_that_was_checked_under_its_name(
    way_out: Outbound, internet: SmallInternet, server: Server
) -> None:
    answer = way_out.fetch(url=f"https://{NAME.upper()}/file?of=it#here", media_types={"image/png"}, limits=SMALL)

    assert (answer.status, answer.body, answer.media_type) == (200, b"a picture", "image/png")
    assert (internet.looked_up, internet.connected, server.names_asked_for) == ([NAME], [(PUBLIC, 443)], [NAME])
    (method, path, headers) = server.asked[0]
    assert (method, path) == ("GET", "/file?of=it")
    assert headers == {"Host": NAME, "User-Agent": "Assay", "Connection": "close", "Accept-Encoding": "identity"}


def test_a_connection_is_used_again_where_it_is_kept(
    internet: SmallInternet, authority: Authority, server: Server
) -> None:
    way_out = Outbound(network=internet, authorities=authority.file, kept=KeptConnections())

    bodies = [way_out.ask(method="GET", url=f"https://{NAME}/{path}").body for path in ("file", "gone", "file")]

    assert bodies == [b"a picture", b"gone", b"a picture"]
    assert (internet.looked_up, internet.connected) == ([NAME], [(PUBLIC, 443)])
    assert {headers["Connection"] for _, _, headers in server.asked} == {"keep-alive"}


def test_a_connection_is_not_kept_after_half_an_answer(internet: SmallInternet, authority: Authority) -> None:
    way_out = Outbound(network=internet, authorities=authority.file, kept=KeptConnections())

    with pytest.raises(AnswerRefused):
        way_out.ask(method="GET", url=f"https://{NAME}/large", limits=SMALL)
    assert way_out.ask(method="GET", url=f"https://{NAME}/file", limits=SMALL).body == b"a picture"

    assert internet.connected == [(PUBLIC, 443), (PUBLIC, 443)]


def test_cookies_are_not_kept(way_out: Outbound, server: Server) -> None:
    for _ in range(2):
        way_out.fetch(url=f"https://{NAME}/file", media_types={"image/png"})

    assert [headers.get("Cookie") for _, _, headers in server.asked] == [None, None]


def test_a_proxy_of_the_environment_is_not_used(
    way_out: Outbound, internet: SmallInternet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")

    way_out.fetch(url=f"https://{NAME}/file", media_types={"image/png"})

    assert internet.connected == [(PUBLIC, 443)]


def test_another_address_of_the_name_is_tried_when_one_does_not_answer(
    way_out: Outbound, internet: SmallInternet
) -> None:
    internet.names[NAME] = [[OTHER_PUBLIC, PUBLIC]]

    assert way_out.fetch(url=f"https://{NAME}/file", media_types={"image/png"}).status == 200
    assert internet.connected == [(OTHER_PUBLIC, 443), (PUBLIC, 443)]


def test_a_public_address_may_be_asked_by_number_if_its_certificate_says_so(way_out: Outbound, server: Server) -> None:
    assert way_out.fetch(url=f"https://{PUBLIC}/file", media_types={"image/png"}).status == 200
    assert server.asked[0][2]["Host"] == PUBLIC


def test_anything_can_be_asked_with_any_answer_when_the_asker_looks_at_it(way_out: Outbound, server: Server) -> None:
    sent = way_out.ask(method="POST", url=f"https://{NAME}/gone", headers={"X-Id": "1"}, body=b"a=b")
    led_away = way_out.ask(method="GET", url=f"https://{NAME}/away")

    assert (sent.status, sent.body, sent.headers["content-length"], server.bodies) == (404, b"gone", "4", [b"a=b"])
    assert (led_away.status, led_away.headers["Location"]) == (302, "http://169.254.169.254/latest/meta-data/")
    assert [path for _, path, _ in server.asked] == ["/gone", "/away"]


def test_a_header_cannot_carry_a_second_one(way_out: Outbound, server: Server) -> None:  # [B041]
    with pytest.raises(ValueError):
        way_out.ask(method="GET", url=f"https://{NAME}/file", headers={"X-Id": "1\r\nX-Other: 2"})
    assert server.asked == []


@pytest.mark.django_db
def test_nobody_is_asked_inside_a_transaction(way_out: Outbound, internet: SmallInternet) -> None:
    with transaction.atomic(), pytest.raises(AssertionError):
        way_out.fetch(url=f"https://{NAME}/file", media_types={"image/png"})
    assert internet.looked_up == []


# Whom it does not ask


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(["127.0.0.1"], id="B081"),
        pytest.param(["10.0.0.5"], id="B082-private"),
        pytest.param(["::ffff:10.0.0.1"], id="B082-mapped"),
        pytest.param([PUBLIC, "10.0.0.5"], id="B085-last"),
        pytest.param(["10.0.0.5", PUBLIC], id="B085-first"),
        pytest.param([PUBLIC, "::1"], id="B085-ipv6"),
        pytest.param([PUBLIC, "fe80::1%eth0"], id="B085-zone"),
        pytest.param([PUBLIC, "no address"], id="B085-garbage"),
    ],
)
def test_a_name_that_leads_inside_is_not_followed(
    way_out: Outbound, internet: SmallInternet, answers: list[str]
) -> None:
    internet.names["evil.example.org"] = [answers]
    internet.servers |= {(address, 443): 1 for address in answers}

    refusal = refusal_of(way_out, "https://evil.example.org/file")

    assert (type(refusal), refusal.message) == (AddressRefused, NOT_PUBLIC)
    assert internet.connected == []


def test_a_name_that_changes_its_mind_is_asked_where_it_was_checked(  # [B086]
    way_out: Outbound, internet: SmallInternet, server: Server, authority: Authority
) -> None:
    with a_server(authority.context(NAME)) as inside:
        internet.names[NAME] = [[PUBLIC], ["127.0.0.1"]]
        internet.servers["127.0.0.1", 443] = inside.port
        way_out.fetch(url=f"https://{NAME}/file", media_types={"image/png"})

        assert (len(server.asked), len(inside.asked), internet.looked_up) == (1, 0, [NAME])
        assert refusal_of(way_out, f"https://{NAME}/file").message == NOT_PUBLIC
        assert (len(server.asked), len(inside.asked)) == (1, 0)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("http://media.example.org/", "Only https:// on its own port is asked.", id="scheme"),
        pytest.param("https://media.example.org:8443/", "Only https:// on its own port is asked.", id="port"),
        pytest.param("https://media.example.org:5555/", "Only https:// on its own port is asked.", id="B093-flower"),
        pytest.param("https://media.example.org:6379/", "Only https:// on its own port is asked.", id="B093-broker"),
        pytest.param(
            "https://assay.example.org/api/v1/",
            "This is our own address; it is not asked from here.",
            id="B093-api",
        ),
        pytest.param(
            "https://ASSAY.example.org/admin/",
            "This is our own address; it is not asked from here.",
            id="B093-admin",
        ),
        pytest.param(
            "https://x.cdn.example.org/",
            "This is our own address; it is not asked from here.",
            id="B090-host",
        ),
        pytest.param("https://169.254.169.254/latest/", NOT_PUBLIC, id="B081-metadata"),
        pytest.param("https://localhost/", NOT_PUBLIC, id="B081-localhost"),
        pytest.param("https://[::1]/", NOT_PUBLIC, id="B081-ipv6"),
        pytest.param("https://broker/", NOT_PUBLIC, id="B093-name"),
        pytest.param("https://metadata.google.internal/", NOT_PUBLIC, id="B081-name"),
        pytest.param("https://a.localhost/", NOT_PUBLIC, id="B081-localhost-below"),
        pytest.param(
            "https://user:password@media.example.org/",
            "An address may not hold a user name or a password.",
            id="credentials",
        ),
    ],
)
def test_what_may_not_be_asked_is_told_before_any_name_is_looked_up(
    way_out: Outbound, internet: SmallInternet, url: str, message: str
) -> None:
    refusal = refusal_of(way_out, url)

    assert (type(refusal), refusal.code, refusal.message) == (AddressRefused, "address_refused", message)
    assert (internet.looked_up, internet.connected) == ([], [])


def test_an_inner_host_is_asked_where_the_installation_allows_it(  # [B091]
    internet: SmallInternet,
) -> None:
    with a_server() as inside:
        internet.names["files.internal"] = [["10.0.0.5"]]
        internet.servers["10.0.0.5", 9000] = inside.port
        allowed = Outbound(network=internet, internal=frozenset({origin_of("http://files.internal:9000")}))

        answer = allowed.fetch(url="http://files.internal:9000/file", media_types={"image/png"})
        assert (answer.body, inside.asked[0][2]["Host"]) == (b"a picture", "files.internal:9000")
        for other in ("https://files.internal:9000/", "http://files.internal/", "http://10.0.0.5:9000/"):
            assert type(refusal_of(allowed, other)) is AddressRefused


def test_a_way_out_to_some_leads_to_no_others(internet: SmallInternet) -> None:
    narrow = Outbound(network=internet, only=frozenset({origin_of("https://api.stripe.com")}))

    refusal = refusal_of(narrow, f"https://{NAME}/file")

    assert refusal.message == f"https://{NAME} is not among what is asked from here."
    assert internet.looked_up == []


def test_the_way_out_of_an_installation_knows_its_settings(settings: Settings) -> None:  # [B093]
    settings.ALLOWED_HOSTS, settings.CONTENT_ORIGIN = ["assay.example.org"], "https://content.example.org"
    settings.EGRESS_ALLOW = frozenset({origin_of("http://files.internal")})
    way_out = outbound()

    assert (way_out.internal, way_out.only) == (settings.EGRESS_ALLOW, None)
    for own in ("https://assay.example.org/api/v1/me/", "https://content.example.org/x"):
        assert refusal_of(way_out, own).message == "This is our own address; it is not asked from here."


# Who cannot be believed, or does not answer


@pytest.mark.parametrize("names", [("other.example.org",), ("*.example.com",), ("127.0.0.1",)])
def test_the_certificate_must_be_for_the_name(
    way_out: Outbound, internet: SmallInternet, authority: Authority, names: tuple[str, ...]
) -> None:
    with a_server(authority.context(*names)) as other:
        internet.servers[PUBLIC, 443] = other.port
        refusal = refusal_of(way_out, f"https://{NAME}/file")

    assert type(refusal) is NoAnswer
    assert refusal.message.startswith("The other server's certificate is not trusted: Hostname mismatch")
    assert other.asked == []


def test_the_certificate_must_be_of_an_authority_that_is_trusted(
    way_out: Outbound, internet: SmallInternet, tmp_path: Path
) -> None:
    stranger = Authority.in_folder(tmp_path)
    with a_server(stranger.context(NAME)) as other:
        internet.servers[PUBLIC, 443] = other.port
        refusal = refusal_of(way_out, f"https://{NAME}/file")

    assert (type(refusal), other.asked) == (NoAnswer, [])
    assert refusal.message.startswith("The other server's certificate is not trusted: ")


def test_who_is_not_there_is_told_from_who_is_silent(way_out: Outbound, internet: SmallInternet) -> None:
    unknown = refusal_of(way_out, "https://nowhere.example.org/")
    silent = refusal_of(way_out, f"https://{NAME}/never")
    internet.servers.clear()
    refusing = refusal_of(way_out, f"https://{NAME}/file")

    assert [type(refusal) for refusal in (unknown, silent, refusing)] == [NoAnswer] * 3
    assert silent.message == "The other server did not answer in time."
    assert unknown.message == refusing.message == "The other server could not be reached, or broke the connection."


def test_a_server_that_drips_is_left_when_the_time_is_over(way_out: Outbound) -> None:
    assert refusal_of(way_out, f"https://{NAME}/drip").message == "The other server did not answer in time."


def test_a_resolver_that_hangs_is_left_when_the_time_is_over(
    way_out: Outbound, internet: SmallInternet, server: Server
) -> None:
    class Hanging(SmallInternet):
        def resolve(self, host: str, port: int) -> list[str]:
            server.over.wait(10)
            return [PUBLIC]

    hanging = Outbound(network=Hanging())
    refusal = refusal_of(hanging, f"https://{NAME}/file", Limits(total_seconds=0.2))
    assert refusal.message == "The other server did not answer in time."


# What is not taken for an answer

TOO_LARGE = "The other server's answer is too large."
NOT_WHOLE = "The other server's answer is no whole answer of HTTP."


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("away", "The other server redirects, which is not followed. Give the final address.", id="B087"),
        pytest.param("gone", "The other server answered with status 404 instead of the file.", id="status"),
        pytest.param("page", "The other server did not send one of: image/png.", id="B059-type"),
        pytest.param("large", TOO_LARGE, id="body"),
        pytest.param("said_large", TOO_LARGE, id="said"),
        pytest.param("chunks", TOO_LARGE, id="B094-chunks"),
        pytest.param("wrapped", TOO_LARGE, id="B094-chunk-extensions"),
        pytest.param("headers", TOO_LARGE, id="headers"),
        pytest.param("continue", TOO_LARGE, id="B094-continue"),
        pytest.param("short", NOT_WHOLE, id="B094-closes"),
        pytest.param("garbage", NOT_WHOLE, id="no-http"),
        pytest.param("zipped", "The other server compressed its answer, although it was asked not to.", id="B003-gzip"),
    ],
)
def test_what_is_not_taken(way_out: Outbound, server: Server, path: str, message: str) -> None:
    refusal = refusal_of(way_out, f"https://{NAME}/{path}")

    assert (type(refusal), refusal.code, refusal.message) == (AnswerRefused, "answer_refused", message)
    assert len(server.asked) == 1
