"""Expressions: what is no part of the rule language is refused at its column; what is means one thing."""

from __future__ import annotations

import re
import time
from decimal import Decimal

import pytest
from rulefolders import little

from mapper.diagnostics import Place
from mapper.errors import RuleError
from mapper.mapping import load_rulebooks
from mapper.rulebook.expressions import MAX_PROBLEMS, Reader
from mapper.rulebook.source import Node, Source, read
from mapper.rulebook.tree import walk
from mapper.rulebook.types import ANY, FLAG, NUMBER, TEXT, Type

LINE = Type("record", fields={"name": TEXT, "amount": NUMBER, "more": Type("list", item=NUMBER)})
NAMES = {
    "order": Type("record", fields={"total": NUMBER, "name": TEXT, "lines": Type("list", item=LINE)}),
    "lines": Type("list", item=LINE),
    "n": NUMBER,
    "t": TEXT,
    "f": FLAG,
    "maybe": TEXT.maybe(),
    "anything": ANY,
}


@pytest.fixture(scope="module")
def functions():
    return load_rulebooks().functions


@pytest.fixture
def problems_of(functions):
    """Read an expression that begins at column 4 and return its problems; columns count from the expression's start."""

    def call(text):
        reader = Reader(Source(f"x: {text}", "r.yaml"), functions)
        reader.expression(Node("text", Place("r.yaml", 1, 4), text), NAMES)
        return [(one.code, one.place.column - 3) for one in reader.problems], reader.problems

    return call


HOSTILE = {
    # The way out to Python
    "order.__class__": ("RULE208", 7),
    "''.__class__": ("RULE205", 1),
    "().__class__.__bases__": ("RULE206", 1),
    "n.real": ("RULE205", 1),
    "t.upper()": ("RULE206", 1),
    "order.total.as_tuple": ("RULE205", 1),
    "order.lines.clear()": ("RULE206", 1),
    "abs.__globals__": ("RULE207", 1),
    "filled.__code__": ("RULE207", 1),
    "__import__('os')": ("RULE209", 1),
    "__builtins__": ("RULE207", 1),
    "eval('1')": ("RULE209", 1),
    "open('/etc/passwd')": ("RULE209", 1),
    "print(n)": ("RULE209", 1),
    "getattr(order, 'total')": ("RULE209", 1),
    "abs(n)(n)": ("RULE206", 1),
    "(lambda: n)()": ("RULE206", 1),
    "lambda: n": ("RULE206", 1),
    "[one for one in lines]": ("RULE206", 1),
    "{one for one in lines}": ("RULE206", 1),
    "{one: one for one in lines}": ("RULE206", 1),
    "sum(one for one in lines)": ("RULE206", 4),
    "f'{n}'": ("RULE206", 1),
    "b'bytes'": ("RULE206", 1),
    "'it''s'": ("RULE206", 1),
    "'a' 'b'": ("RULE206", 1),
    "'''three'''": ("RULE206", 1),
    "r'raw'": ("RULE206", 1),
    "'%s' % n": ("RULE206", 1),
    "await n": ("RULE206", 1),
    "yield n": ("RULE206", 1),
    "(yield)": ("RULE206", 2),
    "(n := 2)": ("RULE206", 2),
    "*n": ("RULE206", 1),
    "...": ("RULE206", 1),
    # Statements
    "a = 2": ("RULE204", 1),
    "order.total = 2": ("RULE204", 1),
    "n += 1": ("RULE204", 1),
    "n: int": ("RULE204", 1),
    "1;2": ("RULE204", 1),
    "n;": ("RULE204", 2),
    "n; ": ("RULE204", 2),
    "import os": ("RULE204", 1),
    "from os import path": ("RULE204", 1),
    "del n": ("RULE204", 1),
    "pass": ("RULE204", 1),
    "raise n": ("RULE204", 1),
    "assert f": ("RULE204", 1),
    "global n": ("RULE204", 1),
    "def f(): pass": ("RULE204", 1),
    "class C: pass": ("RULE204", 1),
    "n # nothing": ("RULE204", 3),
    # Too much
    "9**9": ("RULE206", 1),
    "9**9**9**9": ("RULE206", None),
    "'x'*2": ("RULE205", 1),
    "'x' * 100000000": ("RULE205", 1),
    "9" * 30: ("RULE206", 1),
    "0." + "1" * 30: ("RULE206", 1),
    "1e999": ("RULE206", 1),
    "-" * 300 + "1": ("RULE203", 26),
    "not " * 100 + "f": ("RULE203", 101),
    "(" * 300 + "n" + ")" * 300: ("RULE204", None),
    "+".join(["n"] * 300): ("RULE203", 1),
    "+".join(["n"] * 20_000): ("RULE203", 1),
    "order" + ".lines" * 150: (None, 1),
    "n " * 600: ("RULE203", 1),
    "[" * 100 + "]" * 100: ("RULE203", None),
    "abs(" * 40 + "n" + ")" * 40: ("RULE203", None),
    " or ".join(["t"] * 220): ("RULE203", None),
    # Numbers
    "0x1F": ("RULE206", 1),
    "0b1": ("RULE206", 1),
    "1_000": ("RULE206", 1),
    "1e5": ("RULE206", 1),
    "1j": ("RULE206", 1),
    ".5": ("RULE206", 1),
    "5.": ("RULE206", 1),
    "0123": ("RULE204", 1),
    "n + 1,5": ("RULE204", 5),
    "١٢": ("RULE204", 1),
    # Operators
    "n % 2": ("RULE206", 1),
    "n // 2": ("RULE206", 1),
    "n << 2": ("RULE206", 1),
    "n & 2": ("RULE206", 1),
    "n | 2": ("RULE206", 1),
    "n ^ 2": ("RULE206", 1),
    "n @ 2": ("RULE206", 1),
    "~n": ("RULE206", 1),
    "+n": ("RULE206", 1),
    "n is none": ("RULE206", 1),
    "n is not 2": ("RULE206", None),
    "lines[0]": ("RULE206", 1),
    "lines[0:1]": ("RULE206", 1),
    "order['total']": ("RULE206", 1),
    "{'a': 1}": ("RULE206", 1),
    "{1, 2}": ("RULE206", 1),
    "[n, n]": ("RULE206", 1),
    "n in [1, 'a']": ("RULE206", 6),
    "[[1]]": ("RULE206", 1),
    # Names
    "totl": ("RULE207", 1),
    "n + totl": ("RULE207", 5),
    "order.totall": ("RULE208", 7),
    "order.lines.amnt": ("RULE208", 13),
    "f and order.nam == 'x'": ("RULE208", 13),
    "True": ("RULE206", 1),
    "f == False": ("RULE206", 6),
    "None": ("RULE206", 1),
    "abs": ("RULE207", 1),
    "n + filled": ("RULE207", 5),
    "ｎ": ("RULE207", 1),
    "ｏrder.total": ("RULE207", 1),
    "naïve": ("RULE207", 1),
    "n\u200b": ("RULE204", 2),
    "n\u00a0+ 1": ("RULE204", 2),
    "n\x00": ("RULE204", 1),
    "\ud800": ("RULE204", 1),
    "‘a’": ("RULE204", 1),
    "n – 1": ("RULE204", 3),
    "n × 2": ("RULE204", 3),
    # Calls
    "abs()": ("RULE209", 1),
    "abs(n, n)": ("RULE209", 1),
    "1 + round_half_up(n)": ("RULE209", 5),
    "join(' ')": ("RULE209", 1),
    "filled()": ("RULE209", 1),
    "filled(n, n)": ("RULE209", 1),
    "abs(*lines)": ("RULE206", 1),
    "abs(amount=n)": ("RULE206", 1),
    "abs(**order)": ("RULE206", 1),
    "rond_half_up(n, 2)": ("RULE209", 1),
    "n()": ("RULE209", 1),
    "abs(t)": ("RULE205", 5),
    "upper(n)": ("RULE205", 7),
    "sum(lines)": ("RULE205", 5),
    "sum(n)": ("RULE205", 5),
    "sum(lines.name)": ("RULE205", 5),
    "round_half_up(n, 13)": ("RULE205", 18),
    "round_half_up(n, 2.5)": ("RULE205", 18),
    "decimal_text(n, 999999999999)": ("RULE205", 17),
    # Types
    "t + n": ("RULE205", 1),
    "n + t": ("RULE205", 5),
    "t + 'x'": ("RULE205", 1),
    "n * f": ("RULE205", 5),
    "-t": ("RULE205", 2),
    "not n": ("RULE205", 5),
    "n and f": ("RULE205", 1),
    "f and t": ("RULE205", 7),
    "f or n": ("RULE205", 1),
    "n or 'x'": ("RULE205", 1),
    "n if n else 1": ("RULE205", 6),
    "n if f else t": ("RULE205", 1),
    "t == n": ("RULE205", 1),
    "n == 'x'": ("RULE205", 1),
    "f == 'true'": ("RULE205", 1),
    "t < n": ("RULE205", 1),
    "f < f": ("RULE205", 1),
    "1 < n < t": ("RULE205", 1),
    "lines == n": ("RULE205", 1),
    "n == none": ("RULE205", 1),
    "'a' in t": ("RULE205", 1),
    "n in n": ("RULE205", 1),
    "t in [1, 2]": ("RULE205", 1),
    "lines.amount + 1": ("RULE205", 1),
    "lines.amount.more": ("RULE205", 1),
    # Not finished
    "": ("RULE201", 1),
    "   ": ("RULE201", 1),
    "n +": ("RULE204", None),
    "n n": ("RULE204", None),
    "(n": ("RULE204", 1),
    "n)": ("RULE204", 2),
    "'abc": ("RULE204", 1),
    "n if f": ("RULE204", None),
    "n = = 1": ("RULE204", None),
    "n && f": ("RULE204", None),
    "!f": ("RULE204", None),
    "n ? 1 : 2": ("RULE204", None),
    "and f": ("RULE204", None),
    "\\": ("RULE204", None),
}


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text)[:30])
def test_what_is_not_the_rule_language_is_refused_at_its_column(problems_of, text):
    code, column = HOSTILE[text]
    begun = time.process_time()
    told, problems = problems_of(text)
    assert time.process_time() - begun < 5
    assert told
    assert code in {None, told[0][0]}
    assert column in {None, told[0][1]}
    assert all(one.message and one.render() for one in problems)
    assert all(1 <= at <= max(1, len(text)) for _, at in told)


def test_there_are_enough_of_them():
    assert len(HOSTILE) >= 150


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("order.totl", "Did you mean 'order.total'?"),
        ("ordr.total", "Did you mean 'order'?"),
        ("rond_half_up(n, 2)", "Did you mean 'round_half_up'?"),
        ("fild(n)", "Did you mean 'filled'?"),
        ("True", "Write true."),
        ("t + 'x'", "join(' ', a, b)"),
        ("n == none", "not filled("),
        ("a = 2", "Compare with =="),
        ("ideal", "A text stands in two pairs of quotes: \"'ideal'\"."),
        ("t == ideal", "A text stands in quotes: 'ideal'."),
        ("abs(1,5)", "a decimal number is written with a point"),
        ("order['total']", ""),
        ("order.nam", "Did you mean 'order.name'?"),
        ("f == yes", "Write true."),
        ("No", "Write false."),
        ("ja", "Write true."),
        ("round(n, 2)", "Did you mean 'round_half_up'?"),
        ("max(n, 2)", "Did you mean 'highest_of'?"),
        ("f == 'true'", "Write true without quotes, or the condition alone."),
        ("n == '12'", "A number stands without quotes: 12."),
        ("t == 12", "A text stands in quotes: '12'."),
        ("lines == n", "Compare a text with a text, a number with a number."),
        ("none if f", "Write `a if condition else b`."),
        ("f OR f", "Write or."),
        ("f en f", "Write and."),
        ("NOT f", "Write not."),
        ("niet f", "Write not."),
    ],
)
def test_a_mistake_is_answered_with_what_to_write(problems_of, text, hint):
    _, problems = problems_of(text)
    assert hint in problems[0].hint


@pytest.mark.parametrize("written", ["payed", "pay", "piad"])
def test_a_name_is_guessed_by_the_letters_that_differ(functions, written):
    reader = Reader(Source("x", "r.yaml"), functions)
    names = {"order": Type("record", fields=dict.fromkeys(("paid", "paymethod", "paymethod_id", "id"), FLAG))}
    reader.expression(Node("text", Place("r.yaml", 1, 4), f"order.{written}"), names)
    assert reader.problems[0].hint == "Did you mean 'order.paid'?"


def test_a_text_in_the_place_of_a_value_is_answered_with_the_form_of_a_text(functions):
    reader = Reader(Source("x: ideal", "r.yaml"), functions)
    reader.value(Node("text", Place("r.yaml", 1, 4), "ideal"), NAMES, lenient=False)
    reader.value(Node("text", Place("r.yaml", 2, 4), "Shipping costs"), NAMES, lenient=False)
    assert [one.hint.endswith("A text is written {text: ideal}.") for one in reader.problems] == [True, False]
    assert reader.problems[1].hint == "A text is written {text: Shipping costs}."


MISREAD = {
    "0,01": ("'0,01' has a comma: a decimal number is written with a point.", "Write 0.01.", 1),
    "t > 2025-01-01": ("A date is a text.", "A text stands in quotes: '2025-01-01'.", 5),
    "n * 0,01": ("'0,01' has a comma: a decimal number is written with a point.", "Write 0.01.", 5),
    "n + 1,5": ("'1,5' has a comma: a decimal number is written with a point.", "Write 1.5.", 5),
    "1.000,50": ("'1.000,50' has a comma: a decimal number is written with a point.", "Write 1000.50.", 1),
    "n + 021": ("A number does not begin with 0.", "Write 21.", 5),
    "1 000": ("'000' follows another value", "A number is written without spaces.", 3),
    "n * 5%": ("'%' is not part of the rule language.", "Write the number alone.", 6),
    "n && f": ("'&&' is not part of the rule language.", "Write and.", 3),
    "f || f": ("'||' is not part of the rule language.", "Write or.", 3),
    "!f": ("'!' is not part of the rule language.", "Write not.", 1),
    "n <> 2": ("'<>' is not part of the rule language.", "Write !=.", 3),
    "n => 2": ("'=>' is not part of the rule language.", "Write >=.", 3),
    "f ? 1 : 2": ("'?' is not part of the rule language.", "Write `a if condition else b`.", 3),
    "if f then 1": ("A condition stands after its value.", "Write `a if condition else b`.", 1),
    "n if f": ("This `if` has no `else`.", "Write `a if condition else b`.", 1),
    "(n + 1": ("This '(' is not closed.", "Close it, or remove it.", 1),
    "n + 1)": ("This ')' closes nothing that was opened before it.", "Remove it", 6),
    "t == 'it's'": ("A quote is opened here and not closed.", "Close it.", 11),
    "t == ‘a’": ("'‘' has no meaning in an expression.", "Write the straight quotes ' or \".", 6),
    "n × 2": ("'×' has no meaning in an expression.", "Write *.", 3),
    "€ 5": ("'€' has no meaning in an expression.", "Write the amount alone: 12.50.", 1),
    "n n": ("'n' follows another value without a sign between them.", "such as + or `and`", 3),
    "n +": ("The expression ends too early.", "Write what follows", 3),
    "5px": ("A number and a word stand here without anything between them.", "Put a space or a sign", 1),
    "class": ("'class' is no name here.", "", 1),
    "True": ("'True' is no word of the rule language.", "Write true.", 1),
    "import os": ("'import' begins no expression.", "", 1),
}


@pytest.mark.parametrize("text", MISREAD, ids=repr)
def test_what_cannot_be_read_is_told_in_the_words_of_its_writer(problems_of, text):
    message, hint, column = MISREAD[text]
    told, (problem,) = problems_of(text)
    assert problem.message.startswith(message)
    assert hint in problem.hint or "{text" in problem.hint or "pairs of quotes" in problem.hint
    assert told[0][1] == column


PYTHON = re.compile(
    r"syntax|literal|octal|token|string|Python|EOL|EOF|\\btuple|generator|lambda:|\\u000a|argument",
    re.IGNORECASE,
)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text)[:30])
def test_no_problem_speaks_of_python(problems_of, text):
    for problem in problems_of(text)[1]:
        told = problem.message.replace(text, "") + problem.hint
        assert not PYTHON.search(told), problem.render()


def test_places_count_characters_not_bytes(problems_of):
    told, problems = problems_of("t == '€€€€€€ ünï' and totl")
    assert told == [("RULE207", 23)]
    assert problems[0].place.length == 4


def test_one_expression_is_told_all_its_problems(problems_of):
    told, _ = problems_of("totl + order.nme + abs(t)")
    assert told == [("RULE207", 1), ("RULE208", 14), ("RULE205", 24)]


# What is part of the language, from YAML to values


TINY = """
document:
  id: order.id
  a: order.total_price
  flag: order.paid
  name: order.paymethod or none
  two: count(order.rows)
  one: two - 1
  three: two + 1
  fails: not flag
  value: {value}
"""
ORDER = {
    "id": 1,
    "total_price": Decimal("7.50"),
    "paid": True,
    "paymethod": "iDEAL",
    "rows": [{"count": 1}, {"count": 2}],
}


@pytest.fixture
def value_of(tmp_path):
    def call(expression, **changes):
        folder = little(tmp_path, TINY.replace("{value}", expression))
        mapped = load_rulebooks(folder).bind({}).apply("order", ORDER | changes)
        assert mapped.document is not None, mapped.findings
        return mapped.document["value"]

    return call


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", Decimal(7)),
        ("(1 + 2) * 3", Decimal(9)),
        ("10 - 2 - 3", Decimal(5)),
        ("12 / 2 / 3", Decimal(2)),
        ("-2 * -3", Decimal(6)),
        ("2 - -1", Decimal(3)),
        ("0.1 + 0.2", Decimal("0.3")),
        ("1 / 4", Decimal("0.25")),
        ("one < two < three", True),
        ("one < three < two", False),
        ("three > two >= one + one == 2", True),
        ("one + one == 2 and not one > 2", True),
        ("flag or fails and fails", True),
        ("not flag or flag", True),
        ("not (flag or flag)", False),
        ("one == 2 or two == 2", True),
        ("1 if flag else 2 if flag else 3", Decimal(1)),
        ("1 if fails else 2 if fails else 3", Decimal(3)),
        ("two in [1, 2]", True),
        ("(name or '') not in ['a']", True),
        ("((((((n))))))".replace("n", "1"), Decimal(1)),
        ("one != 1.0", False),
        ("(name or '') < 'j'", True),
        ("name or 'nothing'", "iDEAL"),
        ("filled(name)", True),
        ("filled('')", False),
        ("filled(none)", False),
        ("count(order.rows)", 2),
        ("sum(order.rows.count)", Decimal(3)),
        ("highest(order.rows.count) / 4", Decimal("0.5")),
        ('{text: "{name}: {a} {{x}} {a * 2}"}', "iDEAL: 7.5 {x} 15"),
        ("{text: \"{'yes' if flag else 'no'}\"}", "yes"),
        ("{text: no braces}", "no braces"),
        ('{text: ""}', ""),
        ('{text: "{none}"}', ""),
        ("|\n    1 +\n    (2 *\n     3)", Decimal(7)),
        ('"\'it\\\\\'s\'"', "it's"),
        ("'\"it''s\"'", "it's"),
        ("\"'\\u20ac'\"", "€"),
    ],
)  # fmt: skip
def test_an_expression_means_one_thing(value_of, expression, value):
    given = value_of(expression)
    assert given == value
    assert not isinstance(given, float)


@pytest.mark.parametrize(
    ("paymethod", "value"), [("iDEAL", "iDEAL"), ("", "default"), (None, "default"), (0, "0")]
)
def test_or_takes_the_right_side_where_the_left_is_absent_or_empty(value_of, paymethod, value):
    assert value_of("order.paymethod or 'default'", paymethod=paymethod) == value


def test_or_takes_zero_for_a_number_that_is_there(value_of):
    assert value_of("order.total_tax or 5", total_tax=0) == 0
    assert value_of("order.total_tax or 5") == 5


@pytest.mark.parametrize(
    ("template", "column"),
    [
        ("open {", 6),
        ("{}", 1),
        ("{ }", 1),
        ("close } here", 7),
        ("{a", 1),
        ("{totl} x", 2),
        ("naïve € {totl}", 10),
        ("{{ {totl}", 5),
        ("{a} {order.totl}", 12),
    ],
)
def test_a_mistake_in_a_template_is_told_at_its_column(functions, template, column):
    text = f'x: {{say: "{template}"}}'
    reader = Reader(Source(text, "r.yaml"), functions)
    node = read(text, "r.yaml").entries["x"].entries["say"]
    reader.template(node, NAMES | {"a": NUMBER})
    assert [one.place.column - text.index(template) for one in reader.problems] == [column]


def test_what_was_written_is_kept_for_every_part(functions):
    reader = Reader(Source("x", "r.yaml"), functions)
    node = read(r'''x: "t == 'caf\u00e9' and f"''', "r.yaml").entries["x"]
    parts = list(walk(reader.expression(node, NAMES)))
    assert [reader.notes.written[part.place] for part in parts] == [
        "t == 'café' and f",
        "t == 'café'",
        "t",
        "'café'",
        "f",
    ]


def test_thousands_of_wrong_names_are_told_in_a_second_or_two(tmp_path):
    names = "".join(f"  name_{number}: ordr.total_{number} + nme_{number}\n" for number in range(3000))
    begun = time.process_time()
    with pytest.raises(RuleError) as refused:
        load_rulebooks(little(tmp_path, f"document:\n  id: order.id\n{names}"))
    # `ordr` is one mistake, with all its lines.
    assert [one for one in refused.value.diagnostics if "Also on line" in one.message]
    assert MAX_PROBLEMS / 2 < len(refused.value.diagnostics) <= MAX_PROBLEMS
    assert time.process_time() - begun < 5
