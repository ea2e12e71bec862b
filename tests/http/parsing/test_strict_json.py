"""Strict JSON: the rules, and equal results of the fast and the slow parser."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillmotion.domain.errors import InvalidRequest
from stillmotion.http.parsing.decoding import WireDecoder
from stillmotion.http.parsing.strict_json import MAX_DEPTH, parse


class Two(msgspec.Struct, forbid_unknown_fields=True):
    """A struct of strings only, which the fast parser can read."""

    first: str
    second: str


class Mixed(msgspec.Struct, forbid_unknown_fields=True):
    """A struct with a number, which needs the slow parser."""

    name: str
    number: int = 0


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[]", b"null", b'"x"', b" {\t} \r\n", b'{"a":1e5,"b":-0,"c":[true,null]}', '{"é":"\\u00e9 👩"}'.encode()],
)
def test_json_is_read_as_any_parser_reads_it(body):
    assert parse(body) == json.loads(body)


REFUSED = [
    b"",
    b" ",
    b"{",
    b'{"a":1,}',
    b"{'a':1}",
    b'{"a":1} {}',
    b'{"a":1}\0',
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\0}\0",
    b'{"a":"\xff"}',
    b'{"a":"\xed\xa0\x80"}',
    b'{"a":"\\ud800"}',
    b'{"\\udc00":1}',
    b'{"a":["\\ud800"]}',
    b'{"a":"\\u0000"}',
    b'{"a":{"b":["\\u0000"]}}',
    b'{"a":"\n"}',
    b'{"a":NaN}',
    b'{"a":-Infinity}',
    b'{"a":1e999}',
    b'{"a":12345678901234567890}',
    b'{"a":-12345678901234567890}',
    b'{"a":1,"a":1}',
    b'{"a":1,"\\u0061":1}',
    b'{"a":{"b":1,"b":2}}',
    b'{"a":01}',
    b'{"a":.5}',
    b'{"a":0x10}',
    b'{"a":tru}',
    b'{"a"}',
    b"[1,,2]",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    nested(MAX_DEPTH + 1),
]


@pytest.mark.parametrize("body", REFUSED)
def test_what_is_not_strictly_json_is_refused(body):
    with pytest.raises(InvalidRequest) as refused:
        parse(body)
    (problem,) = refused.value.problems
    assert problem.field == "body"
    assert problem.message.startswith("must be ")


def test_nineteen_digits_and_thirty_two_levels_are_taken():
    assert parse(b"[1234567890123456789]") == [1234567890123456789]
    assert parse(nested(MAX_DEPTH)) == json.loads(nested(MAX_DEPTH))


@pytest.mark.parametrize("body", REFUSED)
def test_neither_way_of_decoding_takes_what_is_refused(body):
    for decode in (WireDecoder(Two), WireDecoder(Mixed)):
        with pytest.raises(InvalidRequest):
            decode(body)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
MEMBERS = st.lists(st.tuples(st.sampled_from(["first", "second", "f\\u0069rst", "third"]), TEXT), max_size=4)


@given(MEMBERS, st.booleans())
def test_the_quick_way_takes_just_what_the_slow_one_takes(members, escaped):
    written = ",".join(f'"{name}":{json.dumps(text, ensure_ascii=escaped)}' for name, text in members)
    body = f"{{{written}}}".encode()
    quick = WireDecoder(Two)
    slow = WireDecoder(Two)
    slow._plainly = None
    assert outcome(quick, body) == outcome(slow, body)


@given(st.binary(max_size=60))
def test_no_bytes_make_it_fail_in_another_way(body):
    for decode in (WireDecoder(Two), WireDecoder(Mixed)):
        outcome(decode, body)


def outcome(decode, body):
    try:
        return decode(body)
    except InvalidRequest as refused:
        return refused.problems


def test_every_problem_is_named():
    with pytest.raises(InvalidRequest) as refused:
        WireDecoder(Mixed)(b'{"number":"x","other":1}')
    assert [problem.field for problem in refused.value.problems] == ["name", "number", "other"]


def test_a_document_that_is_no_object_is_told_the_fields():
    with pytest.raises(InvalidRequest, match="name, number"):
        WireDecoder(Mixed)(b"[]")


def test_a_byte_order_mark_is_called_by_its_name():
    with pytest.raises(InvalidRequest, match="byte order mark"):
        parse(b"\xef\xbb\xbf{}")
