"""Hundreds of broken copies of the shipped rules: loading them raises RuleError alone, at the line that is wrong.

The copies are made by rule, not at random, so that a failure can be repeated by its name. A suite takes some of them,
spread over the files; `./dev proof rules` takes all, which is a quarter of an hour.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from rulefolders import FILES, SOURCE

from mapper.errors import RuleError
from mapper.mapping import RATES, TARGET, load_rulebooks, shipped_rules
from mapper.rulebook.expressions import Reader
from mapper.rulebook.loader import read_rules
from mapper.rulebook.pieces import read_in_pieces
from mapper.rulebook.source import Source
from mapper.vat.rates import from_node

SHIPPED = load_rulebooks()
TEXTS = {name: (shipped_rules() / name).read_text(encoding="utf-8").split("\n") for name in FILES}


@dataclass(frozen=True)
class Mutation:
    """One broken copy: which file, what its lines became, and the line that is wrong (None: it has no one line)."""

    name: str
    file: str
    lines: tuple[str, ...]
    wrong: int | None

    def __str__(self) -> str:
        return self.name


def replaced(file: str, number: int, line: str, how: str, *, exact: bool = True) -> Mutation:
    lines = list(TEXTS[file])
    lines[number - 1] = line
    return Mutation(f"{how} {file}:{number}", file, tuple(lines), number if exact else None)


def code(line: str) -> str:
    """Return a line without its comment."""
    return re.sub(r"\s+#.*", "", line)


def numbered(file: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold something, with their numbers."""
    for number, line in enumerate(TEXTS[file], start=1):
        if code(line).strip() and not line.lstrip().startswith("#"):
            yield number, line


def rules_lines() -> Iterator[tuple[str, int, str]]:
    for file in (SOURCE, TARGET):
        for number, line in numbered(file):
            yield file, number, line


def misspelled_fields() -> Iterator[Mutation]:
    """`order.paid` becomes `order.paidx`: the first field of every line."""
    for file, number, line in rules_lines():
        found = re.search(r"\b(order|tenant|document|row|line|setting|share|configured)(\.\w+)+", code(line))
        if found and "say" not in line and "{text" not in line and not re.match(r"\s+(en|nl):", line):
            yield replaced(file, number, line[: found.end()] + "x" + line[found.end() :], "field")


def misspelled_functions() -> Iterator[Mutation]:
    for file, number, line in rules_lines():
        found = re.search(r"\b([a-z_]{3,})\(", code(line))
        if found:
            yield replaced(file, number, line[: found.start(1)] + "q" + line[found.start(1) :], "function")


def misspelled_keys() -> Iterator[Mutation]:
    """The language's own words: `otherwise` becomes `otherwisee`."""
    own = "kind|each|as|values|when|if|then|otherwise|match|keywords|find|by|is|give|collect|where|fields|id|about|that"
    own += "|severity|say|help|en|nl|facts|name|controller|action|params|same|expect|reads|every_line|requests|checks"
    for file, number, line in rules_lines():
        found = re.match(rf"(\s*(?:- )?\{{?)({own}):", line)
        if found and found[2] not in {"id", "name", "help"}:
            yield replaced(
                file, number, f"{found[1]}{found[2]}{found[2][-1]}{line[found.end(2) :]}", "key", exact=False
            )


def doubled_keys() -> Iterator[Mutation]:
    """A line `key: value` stands twice: the second is wrong."""
    for file in FILES:
        for number, line in numbered(file):
            if re.match(r"\s*\w+: \S", line):
                lines = list(TEXTS[file])
                lines.insert(number, line)
                yield Mutation(f"doubled {file}:{number}", file, tuple(lines), number + 1)


def tabs() -> Iterator[Mutation]:
    for file in FILES:
        for number, line in numbered(file):
            if line.startswith("  "):
                yield replaced(file, number, "\t" + line[2:], "tab")


def dropped_quotes() -> Iterator[Mutation]:
    """The closing quote of a text is gone."""
    for file, number, line in rules_lines():
        bare = code(line).rstrip()
        if bare.endswith('"') and re.match(r"\s+(en|nl): ", bare):
            yield replaced(file, number, bare[:-1], "quote")


def unbalanced() -> Iterator[Mutation]:
    """A closing parenthesis is gone, or there is one too many."""
    for file, number, line in rules_lines():
        bare = code(line)
        if re.match(r"\s+(- )?\w+: [^\"{]", bare) and ")" in bare:
            at = bare.rindex(")")
            yield replaced(file, number, bare[:at] + bare[at + 1 :], "parenthesis gone")
            yield replaced(file, number, bare[:at] + "))" + bare[at + 1 :], "parenthesis twice")


def unbalanced_braces() -> Iterator[Mutation]:
    """A `}` of a template is gone, or there is one too many."""
    for file, number, line in rules_lines():
        if re.match(r'\s+(en|nl): "', line) and "}" in line:
            at = line.rindex("}")
            yield replaced(file, number, line[:at] + line[at + 1 :], "brace gone")
            yield replaced(file, number, line[: at + 1] + "}" + line[at + 1 :], "brace alone")


def open_flow() -> Iterator[Mutation]:
    for file in FILES:
        for number, line in numbered(file):
            if code(line).rstrip().endswith("}") and "{" in line:
                at = code(line).rindex("}")
                yield replaced(file, number, line[:at] + line[at + 1 :], "flow", exact=False)


def changed_types() -> Iterator[Mutation]:
    """A formula gets a text where a number belongs."""
    for file, number, line in rules_lines():
        found = re.match(r"\s+(- )?[\w]+: [^\"{'#]*? (\*) ", line)
        if found and "==" not in line and "'" not in line:
            yield replaced(
                file, number, line[: found.start(2)] + "* count(1) * " + line[found.end() :], "type"
            )


def wrong_indentation() -> Iterator[Mutation]:
    for file, number, line in rules_lines():
        if line.startswith("    ") and not line.lstrip().startswith("- "):
            yield replaced(file, number, line[1:], "outdented", exact=False)
            yield replaced(file, number, " " + line, "indented", exact=False)


def deleted_lines() -> Iterator[Mutation]:
    for file in FILES:
        for number, _ in numbered(file):
            lines = list(TEXTS[file])
            del lines[number - 1]
            yield Mutation(f"deleted {file}:{number}", file, tuple(lines), None)


def cut_files() -> Iterator[Mutation]:
    for file in FILES:
        for number, line in list(numbered(file))[::7]:
            yield Mutation(
                f"cut {file}:{number}", file, (*TEXTS[file][: number - 1], line[: len(line) // 2]), None
            )


def wrong_rates() -> Iterator[Mutation]:
    for number, line in numbered(RATES):
        for old, new in (
            (r"rate: \d+", "rate: many"),
            (r"from: \d{4}", "from: x"),
            (r"rate:", "rates:"),
            (r"rate: ", "rate: -"),
        ):
            if re.search(old, line):
                yield replaced(RATES, number, re.sub(old, new, line, count=1), f"rate {new}")


FAMILIES = [
    misspelled_fields, misspelled_functions, doubled_keys, tabs, dropped_quotes, unbalanced, unbalanced_braces,
    changed_types, wrong_rates, misspelled_keys, open_flow, wrong_indentation, deleted_lines, cut_files,
]  # fmt: skip
STEP = {
    misspelled_fields: 3, misspelled_functions: 3, doubled_keys: 35, tabs: 51, dropped_quotes: 5, unbalanced: 7,
    unbalanced_braces: 7, wrong_rates: 9, misspelled_keys: 13, open_flow: 3, wrong_indentation: 47,
    deleted_lines: 45, cut_files: 7,
}  # fmt: skip
if os.environ.get("MUTATIONS") == "all":
    STEP.clear()


def copies(family):
    return list(family())[:: STEP.get(family, 1)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("rules")


def loaded(mutation, folder):
    """Load a folder with the broken copy, as everybody does."""
    for name, lines in TEXTS.items():
        text = "\n".join(mutation.lines if name == mutation.file else lines)
        (folder / name).write_text(text, encoding="utf-8")
    try:
        load_rulebooks(folder)
    except RuleError as error:
        return error.diagnostics
    return ()


def problems_of(mutation, folder):
    """Read the broken file alone, which is what takes time in a suite; load them all when that shows no problem."""
    text = "\n".join(mutation.lines)
    try:
        root = read_in_pieces(text, mutation.file)
        if mutation.file == RATES:
            from_node(root)
            return loaded(mutation, folder)
        reader = Reader(Source(text, mutation.file), SHIPPED.functions)
        given = (
            SHIPPED.sources["order"].rules.given if mutation.file == SOURCE else SHIPPED.target.rules.given
        )
        read_rules(root, reader, given)
        problems = sorted(reader.problems, key=lambda one: (one.place.line, one.place.column))
        return problems or loaded(mutation, folder)
    except RuleError as error:
        return error.diagnostics


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_a_broken_rule_is_refused_at_the_line_that_is_wrong(family, folder):
    mutations = copies(family)
    assert len(mutations) >= 6
    for mutation in mutations:
        problems = problems_of(mutation, folder)
        for problem in problems:
            file = problem.place.file.rpartition("/")[2]
            lines = mutation.lines if file == mutation.file else TEXTS[file]
            assert 1 <= problem.place.line <= len(lines), (mutation.name, str(problem.place))
            assert 1 <= problem.place.column <= len(lines[problem.place.line - 1]) + 1, (
                mutation.name,
                str(problem.place),
            )
            assert problem.render()
            assert problem.message
        if mutation.wrong is not None:
            first = problems[0] if problems else None
            assert first is not None, f"{mutation.name} loads"
            told = (first.place.file.rpartition("/")[2], first.place.line)
            assert told == (mutation.file, mutation.wrong), (mutation.name, first.render())


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_a_folder_with_it_is_refused_with_the_same_first_problem(family, folder):
    for mutation in copies(family)[::12]:
        alone, together = problems_of(mutation, folder), loaded(mutation, folder)
        assert [one.code for one in alone[:1]] == [one.code for one in together[:1]], mutation.name


def test_there_are_hundreds_of_them():
    assert sum(len(copies(family)) for family in FAMILIES) >= 400
