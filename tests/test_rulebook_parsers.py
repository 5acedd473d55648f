"""Rules are read by libyaml where it reads what PyYAML reads: the same nodes at the same places, or not at all."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mapper.errors import RuleError
from mapper.rulebook import pieces, source
from mapper.rulebook.source import Node, Source, read, walk

RULES = sorted((Path(__file__).parents[1] / "rules").rglob("*.yaml"))
CHARACTERS = " \t\n\r:-{}[],#'\"|>&*!%@`?\\\x85\u2028\ufeff\x07é😀aN0.~=<+1UuxX9"

libyaml = pytest.mark.skipif(source._LIBYAML is None, reason="this PyYAML was built without libyaml")


def thoroughly(text: str) -> Node | None:
    try:
        return source._read_thoroughly(Source(text, "f"))
    except RuleError:
        return None


def mutated(rules: list[str], chance: random.Random) -> str:
    start = chance.randrange(len(rules) - 7)
    text = "\n".join(rules[start : start + chance.randint(1, 7)]) + "\n"
    for _ in range(chance.randint(0, 4)):
        at = chance.randrange(len(text) + 1)
        put = "".join(chance.choices(CHARACTERS, k=chance.randint(0, 3)))
        text = text[:at] + put + text[at + chance.randint(0, 3) :]
    return text


@libyaml
@pytest.mark.parametrize("path", RULES, ids=[path.name for path in RULES])
def test_shipped_rules_are_read_quickly_and_alike(path: Path) -> None:
    quick = source._read_quickly(Source(path.read_text(), "f"))
    assert quick is not None
    assert quick == thoroughly(path.read_text())


@libyaml
@pytest.mark.parametrize("seed", range(4))
def test_mutated_rules_are_read_alike_or_left_to_the_other(seed: int) -> None:
    chance = random.Random(seed)
    rules = [
        line.lstrip() if seed % 2 else line for path in RULES[:3] for line in path.read_text().splitlines()
    ]
    quick = 0
    for _ in range(500):
        text = mutated(rules, chance)
        root = source._read_quickly(Source(text, "f"))
        if root is not None:
            quick += 1
            assert root == thoroughly(text), text
    assert quick > 50


@libyaml
@pytest.mark.parametrize("path", RULES, ids=[path.name for path in RULES])
def test_shipped_rules_are_read_in_pieces_and_alike(path: Path) -> None:
    cut = pieces._Cut(Source(path.read_text(), "f")).file()
    if path.parent.name == "cases":  # a list, which nobody edits while a daemon waits
        assert cut is None
        return
    assert cut == thoroughly(path.read_text())


@libyaml
@pytest.mark.parametrize("seed", range(4))
def test_rules_that_are_cut_into_pieces_are_read_alike_or_left_to_the_others(seed: int) -> None:
    chance = random.Random(seed)
    rules = (RULES[0].parent.parent / "ccv_order.yaml").read_text().splitlines(keepends=True)
    entries = [number for number, line in enumerate(rules) if line[:2] == "  " and line[2] not in " #"]
    cut = 0
    for _ in range(200):
        first, second = (chance.choice(entries) for _ in range(2))
        text = f"values:\n{''.join(rules[first : first + 8])}checks:\n{''.join(rules[second : second + 8])}"
        for _ in range(chance.randint(0, 2)):
            at = chance.randrange(len(text) + 1)
            text = text[:at] + "".join(chance.choices(CHARACTERS, k=chance.randint(0, 2))) + text[at + 1 :]
        if source.is_plain(text):
            root = pieces._Cut(Source(text, "f")).file()
            if root is not None:
                cut += 1
                assert root == thoroughly(text), text
    assert cut > 20


@libyaml
def test_after_an_edit_the_other_entries_are_the_very_same() -> None:
    text = "values:\n  a: 1\n  b: {text: '2'}\nlines:\n  - kind: x\n    each: y\n"
    before, after = (pieces.read_in_pieces(one, "f") for one in (text, text.replace("a: 1", "a: 3")))
    assert after.entries["values"].entries["a"].text == "3"
    assert after.entries["values"].entries["b"] is before.entries["values"].entries["b"]
    assert after.entries["lines"].items[0] is before.entries["lines"].items[0]


@libyaml
@pytest.mark.parametrize(
    "text",
    [
        "values:\n  {a: 1}\n  b: 2\n",
        "values:\n  [a]\n  - b\n",
        "values:\n  a: 1\n  - b\n",
        "values:\n  a: 'one\n  b: two'\n",
        "values:\n  a: 1\n  a: 2\n",
        "a: 1\na: 2\n",
        "a: 1\n--- \nb: 2\n",
        "a: " + "[" * 20 + "]" * 20,
        "values:\n  a: " + "[" * 19 + "]" * 19,
        "values:\n" + "".join(f"  a{n}: 1\n" for n in range(10_001)),
    ],
)
def test_what_may_not_be_cut_is_read_whole(text: str) -> None:
    cut = pieces._Cut(Source(text, "f")).file()
    assert cut is None or cut == thoroughly(text)


@libyaml
@pytest.mark.parametrize(
    "text",
    [
        "\n?",
        ">#",
        "a: {b: }",
        "a: {b: ,c}",
        "a\t",
        "a: \ufeff",
        "a: &x 1",
        "a: *x",
        "a: 1\na: 2",
        "a: !t 1",
        "--- 1\n--- 2",
    ],
)
def test_what_the_two_read_differently_or_has_a_problem_is_left_to_the_other(text: str) -> None:
    assert source._read_quickly(Source(text, "f")) is None


def test_an_installation_without_libyaml_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (RULES[0]).read_text()
    quick = read(text, "f")
    monkeypatch.setattr(source, "_LIBYAML", None)
    assert read(text, "f") == quick
    assert len(list(walk(quick))) > 1
