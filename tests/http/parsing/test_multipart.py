"""Multipart forms with files, parsed from pieces of any size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillmotion.domain.file_types.pictures import MAX_PICTURE_BYTES
from stillmotion.http.parsing.multipart import BadForm, Form, FormParser, boundary_of

BOUNDARY = "XyZ"


def part(disposition: str, content: bytes, *headers: str) -> bytes:
    lines = [f"Content-Disposition: form-data; {disposition}", *headers, "", ""]
    return b"--XyZ\r\n" + "\r\n".join(lines).encode() + content + b"\r\n"


def whole(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--XyZ--\r\n"


def parsed(body: bytes, at_once: int = 1 << 20) -> Form:
    parser = FormParser(BOUNDARY)
    for start in range(0, len(body), at_once):
        parser.write(body[start : start + at_once])
    return parser.form()


def refused(body: bytes) -> tuple[str, str]:
    with pytest.raises(BadForm) as caught:
        parsed(body)
    return caught.value.field, str(caught.value)


MIXED = whole(
    part('name="prompt"', "größer".encode()),
    part('name="picture"; filename="a.png"', b"\x89PNG\r\n--XyY\r\n\0", "Content-Type: image/png"),
    part('name="other"', b"bytes", "Content-Type: application/octet-stream"),
)


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 64, 10_000])
def test_a_form_is_the_same_in_pieces_of_any_size(at_once):
    form = parsed(MIXED, at_once)
    assert form.texts == {"prompt": "größer"}
    assert form.files == {"picture": b"\x89PNG\r\n--XyY\r\n\0", "other": b"bytes"}


@given(content=st.binary(max_size=300), at_once=st.integers(1, 50))
def test_every_file_comes_out_as_it_was(content, at_once):
    separator = b"--" + BOUNDARY.encode()
    body = whole(part('name="f"; filename="f"', content.replace(separator, b"")))
    assert parsed(body, at_once).files == {"f": content.replace(separator, b"")}


def test_a_file_field_that_was_left_empty_is_no_file():
    """Browsers send it so: without a name and without bytes."""
    form = parsed(whole(part('name="f"; filename=""', b"", "Content-Type: application/octet-stream")))
    assert (form.texts, form.files) == ({}, {})


def test_a_file_without_a_name_is_a_file():
    assert parsed(whole(part('name="f"; filename=""', b"x"))).files == {"f": b"x"}


@given(body=st.binary(max_size=400), at_once=st.integers(1, 50))
def test_anything_else_is_refused_and_breaks_nothing(body, at_once):
    try:
        parsed(b"--XyZ\r\n" + body, at_once)
    except BadForm:
        return


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (b"", "body", "must be a whole form"),
        (MIXED[:-6], "body", "ends before its last boundary"),
        (b"no form at all", "body", "must be a whole form"),
        (whole(part('filename="a"', b"")), "body", "must name each part"),
        (whole(b"--XyZ\r\n\r\ntext\r\n"), "body", "must be a whole form"),
        (whole(part('name="a"', b""), part('name="a"', b"")), "a", "stands twice"),
        (whole(part('name="a"', b""), part('name="a"; filename="b"', b"")), "a", "stands twice"),
        (whole(part('name="a"', b"\xff")), "a", 'must be text in UTF-8, or a file with a filename="…" beside its name'),
        (whole(*(part(f'name="{number}"', b"") for number in range(21))), "body", "no more than 20 fields"),
        (whole(part('name="a"', b"", *(f"X-{number}: y" for number in range(8)))), "body", "must be a whole form"),
        (whole(part('name="a"', b"", "X: " + "y" * 2000)), "body", "must be a whole form"),
        (whole(part('name="a"', b"x" * 40_000), part('name="b"', b"x" * 40_000)), "b", "shorten it"),
    ],
)
def test_what_is_no_good_form_is_refused_by_the_field_to_blame(body, field, message):
    found, said = refused(body)
    assert found == field
    assert message in said


def test_a_file_that_is_too_large_is_refused_before_its_end():
    parser = FormParser(BOUNDARY)
    parser.write(part('name="a"; filename="b"', bytes(MAX_PICTURE_BYTES))[:-2])
    with pytest.raises(BadForm, match="holds more than"):
        parser.write(b"x")


def test_nothing_is_said_on_standard_error(capfd):
    refused(b"no form at all")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/form-data; boundary=XyZ", "XyZ"),
        ('Multipart/Form-Data; charset=utf-8; boundary="X y"', "X y"),
        ("multipart/form-data", ""),
        ("multipart/mixed; boundary=XyZ", None),
        ("application/json", None),
        ("", None),
    ],
)
def test_the_boundary_is_in_the_content_type(header, boundary):
    assert boundary_of(header) == boundary


def test_a_form_without_a_boundary_is_refused():
    with pytest.raises(BadForm, match="must name the boundary"):
        FormParser("")
    with pytest.raises(BadForm, match="shorter boundary"):
        FormParser("x" * 300)


def test_brackets_make_objects():
    form = Form({"a": "1", "b[c]": "2", "b[d]": "3", "e[": "4", "[f]": "5"}, {})
    assert form.document == {"a": "1", "b": {"c": "2", "d": "3"}, "e[": "4", "[f]": "5"}
    with pytest.raises(BadForm, match="once as text"):
        Form({"b": "1", "b[c]": "2"}, {}).document  # noqa: B018 - it is a property that refuses


def test_the_same_fields_are_the_same_content_in_any_order():
    one, other = Form({"a": "1", "b": "2"}, {"c": b"3"}), Form({"b": "2", "a": "1"}, {"c": b"3"})
    assert one.content == other.content
    assert one.content != Form({"a": "1", "b": "23"}, {"c": b""}).content
