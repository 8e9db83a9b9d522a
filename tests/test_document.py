"""Reading YAML: safe, strict, and knowing its lines; writing it whole or not at all."""

import time

import pytest
import yaml

from nas.document import MAX_BYTES, dump, parse, read
from nas.errors import SpaceError

BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
)
MERGES = "a: &a {k: 1}\n" + "".join(
    f"{b}: &{b} {{<<: [{', '.join([f'*{a}'] * 9)}]}}\n" for a, b in zip("abcdefghijk", "bcdefghijkl", strict=True)
)


def test_every_key_and_item_knows_its_line():
    doc = parse("a: 1\nb:\n  - x\n  - {c: 2,\n     d: 3}\n", "file")
    assert doc.value == {"a": 1, "b": ["x", {"c": 2, "d": 3}]}
    assert doc.lines == {(): 1, ("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 1): 4, ("b", 1, "c"): 4, ("b", 1, "d"): 5}
    assert str(doc.error(("b", 1, "d"), "no")) == "file:5: b.1.d: no"
    assert str(doc.error(("b", 1, "e"), "no")) == "file:4: b.1.e: no"  # the nearest key that stands there


def test_values_shared_by_an_anchor_are_allowed():
    assert parse("a: &x [1, 2]\nb: *x\n").value == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\na: 2\n", 2, "written twice"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", 4, "written twice"),
        ("a: &a [*a]\n", 1, "contains itself"),
        ("a: 1\nb: &x\n  c: *x\n", 2, "contains itself"),
        ("a: 1\n? [b]\n: 2\n", 2, "a key must be text"),
        ("a: 1\n? {b: 1}\n: 2\n", 2, "a key must be text"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "'<<' is not taken"),
        ("a: !!python/object/apply:os.system ['true']\n", 1, "the tag .*os.system' is not taken"),
        ("a: !!python/object:os.x {a: 1}\n", 1, "is not taken"),
        ("a: {b: 1, 2}\n", 1, r"'2' stands between braces without a value; brackets make a list: b: \[1, 2\]"),
        ("a: {b: 1,\n  c: [true], no}\n", 2, r"'no' stands between .* list: c: \[true, no\]"),
        ("a:\n  - {conv, mbconv}\n", 2, r"'conv' stands between .* list: \[conv, \.\.\.\]"),
        ("a: !!set {a, b}\n", 1, "is not taken"),
        ("a: 1\nb: !!python/name:os.system\n", 2, "could not determine a constructor"),
        ("a: 1\nb: !mine 3\n", 2, "could not determine a constructor"),
        ("a: !!int x\n", 1, "'x' is no int"),
        ("a: !!int ''\n", 1, "'' is no int"),
        ("a: !!bool perhaps\n", 1, "'perhaps' is no bool"),
        ("a: !!timestamp now\n", 1, "'now' is no timestamp"),
        ("a: 2001-99-99\n", 1, "is no timestamp"),
        ("a: 1\nb: [1, 2\n", 3, "not valid YAML"),
        ("a: 1\n\tb: 2\n", 2, "not valid YAML"),
        ("a: *nowhere\n", 1, "undefined alias"),
        ("name:mine\nresolution: 32\n", 1, "a space is missing after the colon"),
        ("a:\n  - block: conv\n  - block:conv\n\n    depth: 1\n", 3, "a space is missing after the colon"),
        ("a: b: c\n", 1, "a value with a colon and a space in it needs quotes: 'b: c'"),
        ("--- 1\n--- 2\n", 2, "another document begins here; write it in a file of its own"),
        ("a: 0x" + "f" * 5000, 1, "more than 18 digits"),
        ("a: 1" + "0" * 5000, 1, "is no int"),
    ],
)
def test_what_is_not_plain_data_is_refused_with_its_line(text, line, says):
    with pytest.raises(SpaceError, match=rf"^file:{line}: .*{says}"):
        parse(text, "file")


@pytest.mark.parametrize(
    ("text", "line", "found", "instead"),
    [
        ("a:\n  b: 1\n  width:32\n  c: 2\n", 3, "width:32", "width: 32"),
        ("a:\n  b: 1\n  width:32\n", 3, "width:32", "width: 32"),
        ("a: 1\nwidth:[32, 64]  # pixels\nc: 2\n", 2, "width:[32, 64]", "width: [32, 64]"),
        ("- a: 1\n  b: 2\n- block:conv\n  c: 3\n", 3, "block:conv", "block: conv"),
        ("a: 1\nstem:{b: c, d: 8}\n", 2, "stem:{b: c, d: 8}", "stem: {b: c, d: 8}"),
        ("a: 1\nstem: {kind: conv, width:16}\n", 2, "width:16", "width: 16"),
        ("a: 1\nwidth :32\nb: 2\n", 2, "width :32", "width: 32"),
        ("a: 1\nwidth 32\nb: 2\n", 2, "width 32", "width: 32"),
        ("a: 1\nwidth = 32\nb: 2\n", 2, "width = 32", "width: 32"),
        ("a: 1\nstages\n  - b: 2\n", 2, "stages", "stages:"),
    ],
)
def test_a_key_without_its_colon_or_space_is_shown_as_it_was_meant(text, line, found, instead):
    with pytest.raises(SpaceError) as error:
        parse(text, "file")
    said = str(error.value)
    assert said.startswith(f"file:{line}: ")
    assert f"found '{found}', write '{instead}'" in said


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\n\tb: 2\n", 2, "a tab; indent with spaces"),
        ("a:\n  b: 1\n    c: 2\n", 3, "as if it went on with the value of line 2"),
        ("a:\n    b: 1\n  c: 2\n", 3, "its indent is that of no line above"),
        ("  a: 1\nb: 2\n", 2, "its indent is that of no line above"),
        ("a: 1\nb:\n  - c: 1, d: 2}\n", 3, "a '{' is missing"),
        ("a: {b: 1\nc: 2\n", 2, "the bracket that line 1 opens is not closed, or a comma is missing"),
        ("a: 'b\nc: 2\n", 3, "the quote that line 1 opens is not closed"),
        ("a: 1\nb: @c\n", 2, "begins with '@' needs quotes"),
    ],
)
def test_common_slips_are_told_in_plain_words(text, line, says):
    with pytest.raises(SpaceError, match=rf"^file:{line}: not valid YAML: .*{says}"):
        parse(text, "file")


def test_colons_within_values_are_none_of_keys():
    assert parse("a: http://x\nb: [x:y, 1:30]\nc: {d: x:y}\n").value == {
        "a": "http://x", "b": ["x:y", "1:30"], "c": {"d": "x:y"}
    }  # fmt: skip


@pytest.mark.parametrize("text", ["a: \x00", "\x1b[31m", "a: \x07"])
def test_control_characters_are_no_text(text):
    with pytest.raises(SpaceError, match="not valid YAML"):
        parse(text)


@pytest.mark.parametrize("text", [BOMB, MERGES, "[" * 50_000, "a:\n" * 1000 + "&", "{" * 3000, "- " * 20_000], ids=len)
def test_a_small_file_cannot_grow_without_bound(text):
    start = time.monotonic()
    with pytest.raises(SpaceError):
        parse(text)
    assert time.monotonic() - start < 10


def test_what_is_too_long_is_refused_unread(tmp_path):
    with pytest.raises(SpaceError, match="longer than"):
        parse("#" * (MAX_BYTES + 1))
    (tmp_path / "long.yaml").write_text("é" * (MAX_BYTES // 2 + 1))
    with pytest.raises(SpaceError, match="larger than"):
        read(tmp_path / "long.yaml")
    with pytest.raises(SpaceError, match="larger than"):
        read(type(tmp_path)("/dev/zero"))


@pytest.mark.parametrize(
    ("data", "says"), [(b"name: \xff\xfe", "byte 6 is not"), ("name: x".encode("utf-16"), "it is UTF-16")]
)
def test_what_is_not_utf_8_is_refused(tmp_path, data, says):
    (tmp_path / "x.yaml").write_bytes(data)
    with pytest.raises(SpaceError, match=rf"x\.yaml: not a text file in UTF-8 \({says}\); save it as UTF-8"):
        read(tmp_path / "x.yaml")


def test_an_image_is_no_document(tmp_path):
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    with pytest.raises(SpaceError, match=r"x\.png: not a text file; name a YAML file"):
        read(tmp_path / "x.png")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SpaceError, match=r"none\.yaml: cannot be read \(No such file"):
        read(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [("032", 32), ("-07", -7), ("0o17", 15), ("0x1F", 31), ("25e-2", 0.25), ("1e-3", 0.001), (".5", 0.5), ("5.", 5.0),
     ("1_000", "1_000"), ("1:30", "1:30"), ("0b11", "0b11"), ("1e", "1e"), (".inf", float("inf"))],
)  # fmt: skip
def test_numbers_mean_what_their_writer_sees(text, value):
    found = parse(f"x: {text}").value["x"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["032", "25e-2", "1e3", "0o7", "1_000", "0_", "1:30", "0b11", "0x1f", "+1", "-.5"])
def test_a_text_that_looks_like_a_number_stays_a_text(text):
    written = dump({"x": text})
    assert parse(written).value == {"x": text}
    assert yaml.safe_load(written) == {"x": text}  # by the rules of YAML 1.1, where 0_ is a number


def test_what_is_dumped_reads_the_same():
    value = {"name": "ä: b", "on": True, "x": [1, 2.5, "1", "true", "null", ""], "y": {"z": -0.0, "e": 1e-5}}
    assert parse(dump(value)).value == value
