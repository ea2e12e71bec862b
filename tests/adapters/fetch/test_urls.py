"""URL guard: refusals by the text of an address alone, for the shared cases and the edges between them."""

import json
from ipaddress import ip_address
from pathlib import Path

import pytest

from stillmotion.adapters.fetch.addresses import AddressPolicy, parse_networks
from stillmotion.adapters.fetch.urls import UrlGuard, UrlRefused, parse
from stillmotion.domain.errors import InvalidRequest

CASES = json.loads((Path(__file__).parents[2] / "cases" / "ssrf.json").read_text("utf-8"))["cases"]
LONG = "http://93.184.215.14/?" + "a" * 1_000_000


def code(url: str, guard: UrlGuard | None = None) -> str | None:
    try:
        (guard or UrlGuard()).admit(url)
    except UrlRefused as refused:
        return refused.code
    return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_shared_case_is_judged_rightly_at_submit(case):
    expected = case["code"] if case["expect"] == "reject_submit" else None
    assert code(case["url"] or LONG) == expected, case["why"]


def test_a_refusal_names_the_field_and_never_the_address():
    with pytest.raises(InvalidRequest) as caught:
        UrlGuard().check("callback_url", "http://127.0.0.1/x")
    problem = caught.value.problems[0]
    assert problem.field == "callback_url"
    assert "127.0.0.1" not in problem.message


def test_a_user_name_in_an_address_is_refused_in_words_of_its_own():
    with pytest.raises(InvalidRequest) as refused:
        UrlGuard().check("callback_url", "https://ada:secret@example.com/hook")
    (problem,) = refused.value.problems
    assert (problem.field, "user name" in problem.message, "secret" in problem.message) == ("callback_url", True, False)


@pytest.mark.parametrize(
    ("url", "rebuilt"),
    [
        ("HTTP://EXAMPLE.com", "http://example.com/"),
        ("http://example.com.:080/a/../b?q#f", "http://example.com/a/../b?q"),
        ("https://example.com:443/%2F?X-Sig=a%2Fb%3D", "https://example.com/%2F?X-Sig=a%2Fb%3D"),
        ("http://example.com:443", "http://example.com:443/"),
        ("http://example.com:/x", "http://example.com/x"),
        ("http://example.com?q=ü", "http://example.com/?q=%C3%BC"),
        ("http://faß.example.com/été.png", "http://xn--fa-hia.example.com/%C3%A9t%C3%A9.png"),
        ("http://BÜCHER。example.com/", "http://xn--bcher-kva.example.com/"),
        ("http://my_bucket.r3---sn.example.com/", "http://my_bucket.r3---sn.example.com/"),
        ("http://[2606:4700:0::1111]/x", "http://[2606:4700::1111]/x"),
        ("http://example.com/my photo.jpg?a b", "http://example.com/my%20photo.jpg?a%20b"),
        ("\r\n http://example.com/x.jpg\t\n", "http://example.com/x.jpg"),
        ("http://example.com/Foto\u202f1\u00a02\u3000.png", "http://example.com/Foto%E2%80%AF1%C2%A02%E3%80%80.png"),
        ('http://example.com/a|b"c<d>{e}^`.png', "http://example.com/a%7Cb%22c%3Cd%3E%7Be%7D%5E%60.png"),
        ("http://example.com/a[1].png?x[]=1", "http://example.com/a%5B1%5D.png?x[]=1"),
        ("http://example.com/100%.png?q=%zz%41", "http://example.com/100%25.png?q=%25zz%41"),
        ("http://пример.рф/фото.jpg", "http://xn--e1afmkfd.xn--p1ai/%D1%84%D0%BE%D1%82%D0%BE.jpg"),
        ("http://example.com/x\u200by.png", "http://example.com/x%E2%80%8By.png"),
    ],
)
def test_an_address_is_put_together_again_from_its_parts(url, rebuilt):
    assert parse(url).url == rebuilt


@pytest.mark.parametrize(
    "url",
    [
        "http://a%2eb.com/",
        "http://127.0.0.1./",
        "http://1.1.1.256/",
        "http://example.0x/",
        "http://[::1]x/",
        "http://[::1%25lo]/",
        "http://a.com:80:80/",
        "http://a.com:+80/",
        "http://a.com:99999999999999999999/",
        "http://a\u2100b.com/",
        "http://a.com\u2028/",
        "http://a .com/",
        "http://a.com /",
        "http:// a.com/",
        "ht tp://a.com/",
        "http://a\u00a0b.com/",
        "http://a.com/x\ty",
        "http://a.com/x\ny",
        "http:///127.0.0.1/c",
        "http:////a.com/",
        "http://ex\u200bample.com/",
        "http://ex\u00adample.com/",
        "http://ex\u2060ample.com/",
        "http://ex\ufe0fample.com/",
        "http://ex\u3164ample.com/",
        "http://ex\u202eample.com/",
        "http://ex\ufeffample.com/",
        "http://ex\u200dample.com/",
        "http://a\u2215b.com/",
        "http://a.com/\ud800",
        "http://" + "a." * 130 + "com/",
        "https:example.com/x",
        "//example.com/x",
        "",
    ],
)
def test_what_parsers_disagree_about_is_no_url(url):
    assert code(url) == "invalid_url"


@pytest.mark.parametrize(
    "host",
    [
        "metadata.goog.internal",
        "printer.local",
        "nas",
        "x.home.arpa",
        "a.LOCALHOST.",
        "kubernetes.default.svc",
        "kubernetes.default.svc.",
        "kubernetes.default",
        "kubernetes.default.svc.cluster.local",
        "redis.service.consul",
        "10-0-0-1.default.pod",
        "host.docker.internal",
        "web.docker",
        "loca\u200blhost",
        "db.\u2060internal",
        "fritz.router",
    ],
)
def test_names_of_private_networks_are_refused(host):
    assert code(f"http://{host}/") == "url_not_allowed"


def test_the_operator_may_allow_a_private_network_and_its_names():
    guard = UrlGuard(AddressPolicy(allow=parse_networks(["10.1.0.0/16", "::1/128"])), ports=None)
    assert code("http://10.1.2.3:9000/x", guard) is None
    assert code("http://[::1]:8080/x", guard) is None
    assert code("http://minio.internal:9000/x", guard) is None
    assert code("http://10.2.0.1/x", guard) == "url_not_allowed"


def test_the_operator_may_deny_a_public_network_even_inside_an_allowed_one():
    policy = AddressPolicy(allow=parse_networks(["10.0.0.0/8"]), deny=parse_networks(["10.9.0.0/16", "93.184.215.14"]))
    assert policy.allows(ip_address("10.8.0.1"))
    assert not policy.allows(ip_address("10.9.0.1"))
    assert not policy.allows(ip_address("93.184.215.14"))


def test_ports_beyond_the_usual_are_the_operators_choice():
    assert code("http://example.com:8080/") == "port_not_allowed"
    assert code("http://example.com:8080/", UrlGuard(ports=frozenset({8080}))) is None
    assert code("http://example.com:0/") == "port_not_allowed"


@pytest.mark.parametrize(
    "address",
    [
        "2001::1",
        "2001:20::1",
        "3fff::1",
        "2620:4f:8000::1",
        "2606:4700::5efe:a00:1",
        "2606:4700::200:5efe:a00:1",
        "::ffff:8.8.8.8",
        "5f00::1",
        "4000::1",
        "192.0.0.8",
        "192.175.48.1",
        "100.127.255.255",
        "198.19.255.255",
    ],
)
def test_special_blocks_are_not_the_public_internet(address):
    assert not AddressPolicy().allows(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"])
def test_the_public_internet_is_allowed(address):
    assert AddressPolicy().allows(ip_address(address))
