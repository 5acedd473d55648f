"""YAML of people we do not know: plain values only, every refusal at its line and column, never a traceback."""

from __future__ import annotations

import re
import time
from decimal import Decimal

import pytest

from mapper.errors import RuleError
from mapper.rulebook.dutch import in_dutch
from mapper.rulebook.source import MAX_BYTES, MAX_CHARACTERS, read, read_file, walk

FILE = "rules.yaml"

REFUSED = {
    "tab in the indentation": ("a:\n\tb: c", "RULE102", 2, 1),
    "tab behind spaces": ("a: b\n  \tc: d", "RULE102", 2, 3),
    "tab after a colon": ("a:\tb", "RULE102", 1, 3),
    "a key twice": ("a: 1\nb: 2\na: 3", "RULE103", 3, 1),
    "a key twice inside": ("o:\n  - {x: 1, x: 2}", "RULE103", 2, 12),
    "a key twice, once quoted": ('a: 1\n"a": 2', "RULE103", 2, 1),
    "anchor": ("a: &x b", "RULE104", 1, 4),
    "alias": ("a: b\nc: *x", "RULE104", 2, 4),
    "merge": ("a:\n  <<: {b: c}", "RULE104", 2, 3),
    "billion laughs": ("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]", "RULE104", 1, 4),
    "merge bomb": ("\n".join(f"k{n}: &k{n} {{<<: [{', '.join([f'*k{n - 1}'] * 9)}]}}" for n in range(9)),
                   "RULE104", 1, 5),
    "anchor on a map": ("a: &x\n  b: c", "RULE104", 1, 4),
    "tag": ("a: !!int 3", "RULE105", 1, 4),
    "python tag": ("a: !!python/object/apply:os.system ['id']", "RULE105", 1, 4),
    "own tag": ("a: !secret x", "RULE105", 1, 4),
    "binary": ("a: !!binary aGk=", "RULE105", 1, 4),
    "set tag": ("a: !!set {b}", "RULE105", 1, 4),
    "declared tag": ("%TAG ! tag:x,2000:\n---\na: !b c", "RULE105", 3, 4),
    "open brackets": ("[" * 100_000, "RULE106", 1, 21),
    "open braces": ("{" * 100_000, "RULE106", 1, 21),
    "open brackets closed": ("[" * 50_000 + "]" * 50_000, "RULE106", 1, 21),
    "nested dashes": ("- " * 100_000, "RULE106", 1, 41),
    "deep maps": ("\n".join(" " * n + "a:" for n in range(40)), "RULE106", 21, 21),
    "many values": ("[" + "a," * 120_000 + "]", "RULE106", 1, 40_000),
    "too large": ("a" * (MAX_CHARACTERS + 1), "RULE106", 1, 1),
    "two documents": ("a: b\n---\nc: d", "RULE102", 2, 1),
    "an empty second document": ("a: b\n---\n", "RULE102", 2, 1),
    "control character": ("a: b\nc: d\x07e", "RULE102", 2, 5),
    "NUL": ('a: "b\x00"', "RULE102", 1, 6),
    "escape character": ("a: \x1b[31m", "RULE102", 1, 4),
    "C1 control": ("a: \x9b31m", "RULE102", 1, 4),
    "surrogate": ("a: b\ud800", "RULE102", 1, 5),
    "control after a Windows line end": ("a: b\r\nc: \x07", "RULE102", 2, 4),
    "control after a Mac line end": ("a: b\rc: \x07", "RULE102", 2, 4),
    "no such character": ('a: b\nc: "x\\U00110000"', "RULE102", 2, 6),
    "no such character at all": ('a: "\\UFFFFFFFF"', "RULE102", 1, 5),
    "half a character": ('a: "\\ud800"', "RULE102", 1, 4),
    "escape that is none": ('a: "\\q"', "RULE102", 1, 6),
    "short escape": ('a: "\\x1"', "RULE102", 1, 7),
    "two values": ("a: b: c", "RULE102", 1, 5),
    "colon missing": ("a: 1\nb 2\nc: 3", "RULE102", 2, 1),
    "quote not closed": ('a: 1\nb: "c\nd: e', "RULE102", 2, 4),
    "single quote not closed": ("a: 1\nb: 'c\nd: e\n\n\n", "RULE102", 2, 4),
    "quote over two lines": ('a: "b\n  c"\nd: e', "RULE108", 1, 4),
    "plain text over two lines": ("a: b\n  c\nd: e", "RULE108", 1, 4),
    "wrong indentation": ("a:\n  b: 1\n c: 2", "RULE102", 3, 2),
    "bracket not closed": ("a: [1, 2\nb: 3", "RULE102", 1, 4),
    "brace closed twice": ("a: {b: c}}", "RULE102", 1, 10),
    "comma too few": ("a: {b: c d: e}", "RULE102", 1, 11),
    "percent": ("a: %b", "RULE102", 1, 4),
    "at sign": ("a: @b", "RULE102", 1, 4),
    "backtick": ("a: `b`", "RULE102", 1, 4),
    "list as key": ("? [a]\n: b", "RULE102", 1, 3),
    "map as key": ("{a: b}: c", "RULE102", 1, 1),
    "list item in a map": ("a: b\n- c", "RULE102", 2, 1),
    "brace not closed in a list": ("k:\n  - {a: b, c: d\n  - {a: e, c: f}", "RULE102", 2, 5),
    "bracket closed by a brace": ("a: {b: [c, d: e}", "RULE102", 1, 8),
    "quote not closed, and one below": ('a: "b\nc: "d"', "RULE102", 1, 4),
    "key in the first column": ("a:\n  b: 1\nc: x\n  d: 2\n  e: 3", "RULE102", 3, 1),
    "key in the first column above others": ("a:\n  b: 1\nc: x\n  # more\n  d:\n    e: 3", "RULE102", 3, 1),
    "key with entries in the first column": ("a:\n  b: {c: d}\ne: {c: d}\n  f: 1", "RULE102", 3, 1),
    "indented further": ("a:\n  b: 1\n   c: 2\n  d: 3", "RULE102", 3, 4),
    "item indented less": ("a:\n    - b: c\n  - b: d", "RULE102", 3, 3),
    "key among items": ("a:\n  - b: c\n  d: e", "RULE102", 3, 3),
    "no space behind a colon": ("a:\n  b:c\n  d: e", "RULE102", 2, 3),
    "list on the line of its key": ("a: - b", "RULE102", 1, 4),
    "text behind a quote": ('a: "x" or y', "RULE102", 1, 8),
    "text behind a bar": ("a: | x\n  y", "RULE102", 1, 6),
    "asterisk": ("a: *", "RULE102", 1, 4),
    "comma as value": ("a: , b", "RULE102", 1, 4),
    "another YAML": ("%YAML 2.0\n---\na: b", "RULE102", 1, 1),
    "only dots": ("...", "RULE102", 1, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_plain_yaml_is_refused_at_its_line_and_column(name):
    text, code, line, column = REFUSED[name]
    begun = time.process_time()
    with pytest.raises(RuleError) as refused:
        read(text, FILE)
    assert time.process_time() - begun < 20
    first = refused.value.diagnostics[0]
    assert (first.code, first.place.line, first.place.column) == (code, line, column)
    assert first.place.file == FILE
    assert first.message
    assert first.hint
    assert all(one.render() for one in refused.value.diagnostics)


READER = re.compile("YAML:|<|block|flow|token|scalar|mapping|sequence|stream|expected|found|node|hexadecimal")


@pytest.mark.parametrize("name", [name for name, (_, code, *_) in REFUSED.items() if code == "RULE102"])
def test_what_is_not_plain_yaml_is_told_once_without_the_words_of_its_reader(name):
    with pytest.raises(RuleError) as refused:
        read(REFUSED[name][0], FILE)
    (problem,) = refused.value.diagnostics
    assert not READER.search(problem.message + problem.hint), problem.render()
    dutch = in_dutch(problem)
    assert dutch.message != problem.message
    assert not set(re.findall(r"\w+", dutch.message + dutch.hint)) & {"This", "There", "the", "Write", "Put"}


def test_a_text_that_goes_on_far_above_another_mistake_is_told_beside_it():
    with pytest.raises(RuleError) as refused:
        read("a: b\n  c\nd: e\nf: [g", FILE)
    assert [(one.code, one.place.line) for one in refused.value.diagnostics] == [
        ("RULE108", 1),
        ("RULE102", 4),
    ]


def test_every_problem_that_can_be_told_apart_is_told():
    with pytest.raises(RuleError) as refused:
        read("a: &x 1\na: 2\nb: !t 3\nc:\n  <<: 4", FILE)
    told = [(one.code, one.place.line) for one in refused.value.diagnostics]
    assert sorted(told) == [("RULE103", 2), ("RULE104", 1), ("RULE104", 5), ("RULE105", 3)]


@pytest.mark.parametrize(
    "written",
    ["NO", "no", "Yes", "on", "y", "True", "FALSE", "Null", "0123", "0o17", "0x1F", "12:30", "1_000", "1e5", ".5",
     "5.",  "+1", ".inf", ".NaN", "2026-01-01", "2026-01-01T00:00:00Z", "=", "1,5", "--1", "١٢"],
)  # fmt: skip
def test_nothing_of_yaml_1_1_is_guessed(written):
    node = read(f"a: {written}", FILE).entries["a"]
    assert (node.kind, node.plain()) == ("text", written)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", Decimal(0)),
        ("-12.50", Decimal("-12.50")),
        ("0.1", Decimal("0.1")),
        ("'true'", "true"),
        ('"12"', "12"),
        ("[a, 1, {b: 'it''s'}]", ["a", Decimal(1), {"b": "it's"}]),
        ('"\\u20ac \\"x\\" \\t"', '€ "x" \t'),
        ("|\n  x\n   y\n", "x\n y"),
        (">\n  x\n  y\n\n  z\n", "x y\nz"),
    ],
)
def test_values_are_what_they_look_like(written, value):
    assert read(f"a: {written}", FILE).plain() == {"a": value}


def test_an_empty_file_is_an_empty_map():
    for text in ("", "\n\n", "# only a comment", "---\n", "\ufeff"):
        assert read(text, FILE).plain() in ({}, None)


@pytest.mark.parametrize(
    ("text", "word", "line", "column"),
    [
        ("a: one two WRONG", "WRONG", 1, 12),
        ("a: 'one WRONG'", "WRONG", 1, 9),
        ("a: 'it''s it''s WRONG'", "WRONG", 1, 17),
        (r"""a: 'back\slash WRONG'""", "WRONG", 1, 16),
        (r"""a: "\u20ac \x41 \U0001F600 \" \\ WRONG" """, "WRONG", 1, 34),
        ("a: \"two '' quotes \\t WRONG\"", "WRONG", 1, 22),
        ("a: |\n  one\n  two WRONG", "WRONG", 3, 7),
        ("a: |\n  one\n\n\n  two WRONG", "WRONG", 5, 7),
        ("a: |\n\n  one\n  two WRONG", "WRONG", 4, 7),
        ("a: |2\n   one\n    two WRONG\nb: c", "WRONG", 3, 9),
        ("a: |-\n    one WRONG\n", "WRONG", 2, 9),
        ("a: >\n  one\n  two WRONG", "WRONG", 3, 7),
        ("a: >\n  one\n\n  two WRONG", "WRONG", 4, 7),
        ("a: >\n  one\n\n\n  two\n  three WRONG", "WRONG", 6, 9),
        ("a: >-\n  WRONG\n  one", "WRONG", 2, 3),
        ("a: '€ ünï 株 WRONG'", "WRONG", 1, 13),
        ("- - a: WRONG", "WRONG", 1, 8),
        ("a: one\u2028b: WRONG", "WRONG", 2, 4),
    ],
)
def test_a_spot_inside_a_text_is_found_however_it_is_written(text, word, line, column):
    node = next(one for one in walk(read(text, FILE)) if word in one.text)
    place = node.spot(node.text.index(word), len(word))
    assert (place.line, place.column, place.length) == (line, column, len(word))


def test_a_file_that_is_not_text_is_refused_where_it_stops_being_it(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_bytes("a: b\nnaam: 'Zoë'\n".encode("latin-1"))
    with pytest.raises(RuleError) as refused:
        read_file(path)
    assert (refused.value.diagnostics[0].code, str(refused.value.diagnostics[0].place)) == (
        "RULE101",
        f"{path}:2:10",
    )


def test_a_file_larger_than_any_rules_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "rules.yaml"
    with path.open("wb") as file:
        file.truncate(50 * MAX_BYTES)
    begun = time.process_time()
    with pytest.raises(RuleError) as refused:
        read_file(path)
    assert refused.value.diagnostics[0].code == "RULE106"
    assert time.process_time() - begun < 10


@pytest.mark.parametrize("name", ["absent.yaml", ".", "no\0name"])
def test_what_is_no_file_is_told(tmp_path, name):
    with pytest.raises(RuleError) as refused:
        read_file(tmp_path / name, shown_as="rules.yaml")
    assert [str(one.place) for one in refused.value.diagnostics] == ["rules.yaml:1:1"]
    assert refused.value.diagnostics[0].code == "RULE101"


def test_the_mark_windows_editors_put_at_the_beginning_is_no_text(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: b\r\nc: d\r\n")
    assert read_file(path).plain() == {"a": "b", "c": "d"}
