"""Pictures in data URIs: the form of RFC 2397, forgiving base64 of the WHATWG, and the type by the first bytes."""

import base64
import textwrap
import time
from urllib.parse import quote, quote_from_bytes

import pytest

from stillmotion.domain.file_types.pictures import MAX_PICTURE_BYTES
from stillmotion.domain.request import Keyframe
from stillmotion.http.parsing.data_uri import BadDataUri, read_address, read_data_uri

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 3 + b"+"
TEXT = base64.b64encode(JPEG).decode()
assert {"+", "/", "="} <= set(TEXT)


@pytest.mark.parametrize(
    "head",
    [
        "data:image/jpeg;base64,",
        "data:image/jpeg;name=photo.jpg;base64,",
        "data:image/jpeg;charset=utf-8;base64,",
        'data:image/jpeg;name="my photo.jpg";charset=utf-8;base64,',
        "DATA:IMAGE/JPEG;BASE64,",
        "Data:image/jpeg;Base64,",
        "data:;base64,",
        "data:application/octet-stream;base64,",
        "data:image/png;base64,",
        "data:text/plain;charset=us-ascii;base64,",
        "data:image/jpeg; base64,",
        "data:image/jpeg;base64 ,",
        " \n\tdata:image/jpeg;base64,",
    ],
)
def test_a_picture_is_read_whatever_stands_before_it(head):
    assert read_data_uri(head + TEXT) == JPEG


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(textwrap.wrap(TEXT, 76)) + "\n",
        "\r\n".join(textwrap.wrap(TEXT, 64)),
        " ".join(textwrap.wrap(TEXT, 10)),
        TEXT.rstrip("="),
        TEXT[:50] + "\t\f" + TEXT[50:],
        quote(TEXT, safe=""),
        TEXT.replace("+", "%2b").replace("=", "%3d"),
        "%0A".join(textwrap.wrap(TEXT, 76)),
        TEXT + "#fragment",
        TEXT + "  ",
    ],
    ids=["base64 FILE", "MIME", "spaces", "no padding", "tabs", "escaped", "some escaped", "breaks", "fragment", "end"],
)
def test_forgiving_base64_is_read(text):
    assert read_data_uri(f"data:image/jpeg;base64,{text}") == JPEG


def test_a_picture_without_base64_is_percent_encoded():
    assert read_data_uri("data:image/jpeg," + quote_from_bytes(JPEG)) == JPEG
    assert read_data_uri("data:," + "".join(f"%{byte:02x}" for byte in JPEG)) == JPEG


@pytest.mark.parametrize(
    "uri",
    [
        f"data:image/jpeg;base64,{TEXT}=",
        f"data:image/jpeg;base64,{TEXT[:-4]}====",
        f"data:image/jpeg;base64,{TEXT[:40]}={TEXT[40:]}",
        f"data:image/jpeg;base64,{TEXT[:40]}!{TEXT[41:]}",
        f"data:image/jpeg;base64,{TEXT[:40]}é{TEXT[41:]}",
        f"data:image/jpeg;base64,{TEXT[:40]}\N{NO-BREAK SPACE}{TEXT[41:]}",
        f"data:image/jpeg;base64,{TEXT[:40]}%00{TEXT[41:]}",
        f"data:image/jpeg;base64,{TEXT[:41]}",
        f"data:image/jpeg;base64,{TEXT}{TEXT}",
        f"data:image/jpeg;base64{TEXT}",
        f"data:image/jpeg;base64x,{TEXT}",
        f"data:image/jpeg;base64;name=a.jpg,{TEXT}",
        f"data:image/jpeg,{TEXT}",
        "data:image/jpeg;base64,",
        "data:,",
        "data:",
        "data:text/plain;base64,aGVsbG8=",
        "data:" + ";x" * 5000 + f";base64,{TEXT}",
    ],
)
def test_what_is_no_picture_in_base64_is_refused_with_a_remedy(uri):
    with pytest.raises(BadDataUri, match=r"must be a picture|not base64|^is "):
        read_data_uri(uri)


@pytest.mark.parametrize("extra", [0, 1])
def test_a_picture_may_have_20_mib_and_not_a_byte_more(extra):
    content = JPEG + bytes(MAX_PICTURE_BYTES - len(JPEG) + extra)
    uri = "data:image/jpeg;base64," + base64.encodebytes(content).decode()
    began = time.process_time()
    if extra:
        with pytest.raises(BadDataUri, match="20 MiB"):
            read_data_uri(uri)
    else:
        assert read_data_uri(uri) == content
    assert time.process_time() - began < 2


def test_many_escapes_are_read_across_every_cut():
    content = JPEG + bytes(range(256)) * 5000
    assert read_data_uri("data:image/jpeg," + "".join(f"%{byte:02X}" for byte in content)) == content
    assert read_data_uri("data:image/jpeg,%FF%D8" + quote_from_bytes(content[2:])) == content


def test_an_address_is_told_from_a_picture():
    assert read_address("https://example.com/data:image/png") == Keyframe(url="https://example.com/data:image/png")
    assert read_address(f"data:;base64,{TEXT}") == Keyframe(content=JPEG)


@pytest.mark.parametrize("text", [TEXT, "\n".join(textwrap.wrap(TEXT, 76)), TEXT.rstrip("=")])
def test_bare_base64_is_told_what_it_lacks(text):
    with pytest.raises(BadDataUri, match=r"is base64 without its beginning: write data:image/jpeg;base64, before it"):
        read_address(text)


def test_base64_that_does_not_say_so_is_told_what_it_lacks():
    with pytest.raises(BadDataUri, match="write ;base64 before its comma"):
        read_data_uri(f"data:image/jpeg,{TEXT}")


def test_a_long_word_is_no_bare_base64():
    assert read_address("A" * 200) == Keyframe(url="A" * 200)
