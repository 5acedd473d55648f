"""There is no way out of the rule language: hostile expressions and files are refused at load, or bounded at run."""

from __future__ import annotations

import copy
import itertools
import time
from pathlib import Path

import pytest
from orders import FIXTURES, rulebooks

from mapper import settings
from mapper.errors import RuleError
from mapper.money import loads
from mapper.rulebook.expressions import Reader
from mapper.rulebook.source import Source, read
from mapper.rulebook.types import NUMBER, TEXT, Type

NAMES = {
    "order": Type("record", fields={"items": Type("list", item=NUMBER), "name": TEXT, "total": NUMBER}),
    "n": NUMBER,
    "t": TEXT,
}
DUNDERS = (
    "__class__ __bases__ __subclasses__ __globals__ __builtins__ __import__ __dict__ __code__ __mro__ "
    "__init__ __call__ "
    "__getattribute__ __reduce__ __module__ __name__ __doc__ __hash__ __eq__ __len__ __iter__ __format__"
).split()
METHODS = (
    "format format_map join encode replace center ljust rjust zfill expandtabs translate split strip "
    "upper lower keys "
    "values items get pop update clear copy setdefault append extend quantize as_tuple to_eng_string "
    "gi_frame cr_frame "
    "f_globals f_locals func_globals mro"
).split()
BUILTINS = (
    "eval exec compile open input print getattr setattr delattr globals locals vars dir type object super memoryview "
    "bytearray breakpoint help id iter next map filter zip range reversed sorted isinstance issubclass "
    "callable classmethod "
    "property staticmethod __import__"
).split()
SYNTAX = (
    "lambda: n", "(lambda x: x)(n)", "[x for x in order.items]", "{x for x in order.items}",
    "{x: x for x in order.items}",
    "(x for x in order.items)", "f'{n}'", "f'{t.__class__}'", "'%s' % n", "t % n", "t * 99999999", "99999999 * t",
    "n ** n",
    "9 ** 9 ** 9", "n << 4000000", "n >> 1", "n | 1", "n & 1", "n ^ 1", "~n", "n // 2", "n @ n", "n if n else n",
    "n = 2",
    "n += 1", "(n := 2)", "n; n", "import os", "from os import system", "del n", "pass", "return n", "yield n",
    "await n",
    "raise n", "assert n", "global n", "class A: pass", "def f(): pass", "with n: pass", "for x in n: pass",
    "while n: pass",
    "try: n", "*n", "**n", "print(*order.items)", "sum(**order)", "sum(items=order.items)", "n[0]", "t[0]", "t[::-1]",
    "order['name']", "order.items[0]", "order.items()", "t.upper()", "n()", "t()", "(n)()", "sum(order.items)()",
    "...",
    "b'x'", "1j", "1e9", "1_000", "0x10", "0b1", "0o7", "'a' 'b'", "{'a': 1}", "{1}", "()", "n is n", "n is not n",
    "not n", "n and n", "'\\ud800'", "NotImplemented", "Ellipsis", "True", "None", "self", "cls", "_", "__debug__",
)  # fmt: skip
EXPRESSIONS = [
    *(f"t.{name}" for name in DUNDERS),
    *(f"t.{name}" for name in METHODS),
    *(f"order.{name}()" for name in METHODS),
    *(f"{name}(t)" for name in BUILTINS),
    *SYNTAX,
]


def problems(expression: str) -> list[str]:
    text = "x: |\n  " + expression.replace("\n", "\n  ")
    reader = Reader(Source(text, "x.yaml"), rulebooks().functions)
    reader.expression(read(text, "x.yaml").entries["x"], NAMES)
    return [problem.code for problem in reader.problems]


def test_there_are_enough_of_them() -> None:
    assert len(set(EXPRESSIONS)) >= 200
    assert len(set(FILES)) >= 100


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_hostile_expression_is_refused_at_load(expression: str) -> None:
    assert problems(expression)


@pytest.mark.parametrize(
    "bomb",
    [
        "(" * 5000 + "n" + ")" * 5000,
        "-" * 20000 + "1",
        "not " * 3000 + "n",
        "n" + "+n" * 20000,
        "t" + ".a" * 5000,
        "9" * 5000,
    ],
    ids=["brackets", "signs", "nots", "sum", "fields", "digits"],
)
def test_an_expression_that_would_exhaust_the_parser_is_refused_at_once(bomb: str) -> None:
    start = time.process_time()
    assert problems(bomb)
    assert time.process_time() - start < 20


def _files() -> list[str]:
    anchors = [f"a: &{name} 1\nb: *{name}" for name in ("x", "base", "_", "a1", "🙂")]
    tags = [
        f"a: !!{tag} 1"
        for tag in ("python/object:os.system", "int", "str", "binary", "set", "omap", "timestamp")
    ]
    tags += [f"a: !{tag} x" for tag in ("include", "env", "vault", "Ref")]
    deep = [opening * count for opening, count in itertools.product(("[", "{a: ", "- "), (25, 1000, 50000))]
    controls = [
        f"a: x{chr(code)}y" for code in (0, 1, 2, 7, 8, 11, 12, 14, 27, 31, 127, 0x80, 0x9B, 0xFFFE, 0xFFFF)
    ]
    escapes = [f'a: "{escape}"' for escape in ("\\ud800", "\\udfff", "\\U00110000", "\\q", "\\x1")]
    broken = [
        "a: [1, 2",
        "a: {b: 1",
        "a: 'x",
        'a: "x',
        "a: b: c",
        "a\n  b",
        "- a\nb: c",
        "a: 1\n b: 2",
        "\ta: 1",
        "a:\n\t- 1",
    ]
    broken += [
        "%YAML 9.9\n---\na: 1",
        "a: 1\n---\nb: 2",
        "a: 1\n...\nb: 2",
        "a: @x",
        "a: `x`",
        "a: %x",
        ": a: b",
        "? [a]\n: b",
    ]
    twice = [f"{name}: 1\n{name}: 2" for name in ("a", "rules", "'a'", "NO", "1")]
    merges = ["<<: {a: 1}", "a: {<<: {b: 1}}", "<<: [{a: 1}]", "base: &b {x: 1}\n<<: *b"]
    bombs = [
        "a: &a [x,x]\n" + "".join(f"b{n}: &b{n} [*a,*a]\n" for n in range(9)),
        "a: " + "x" * 300_000,
        "- 1\n" * 30_000,
    ]
    bombs += ["\n".join(f"k{n}: {{}}" for n in range(30_000)), "a: >\n" + "  x\n" * 100_000]
    wrong = ("&x 1", "!!int 1", "*x", "!y z", "@z", "{b: 1, b: 2}", "{<<: 1}")
    around = (("- [", "]"), ("a: {k: ", "}"), ("a:\n  - ", ""))
    inside = [before + part + after for (before, after), part in itertools.product(around, wrong)]
    return [
        *inside,
        *anchors,
        *tags,
        *deep,
        *controls,
        *escapes,
        *broken,
        *twice,
        *merges,
        *bombs,
        "a: |\n  x\n y",
        "a: >-x",
        "a: |9\n x",
    ]


FILES = _files()


@pytest.mark.parametrize("number", range(len(FILES)))
def test_a_hostile_file_is_refused_quickly_and_at_a_place(number: int) -> None:
    start = time.process_time()
    with pytest.raises(RuleError) as caught:
        read(FILES[number], "x.yaml")
    assert time.process_time() - start < 20
    for problem in caught.value.diagnostics:
        assert problem.place.file == "x.yaml"
        assert 1 <= problem.place.line <= FILES[number].count("\n") + 2


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("order-*.json")), ids=lambda path: path.stem)
def test_mapping_never_changes_the_payload_or_the_settings(path: Path) -> None:
    payload, tenant = loads(path.read_bytes()), settings.example()
    before = copy.deepcopy((payload, tenant))
    mapper = rulebooks().bind(tenant)
    mapper.apply("order", payload)
    mapper.run("order", payload)
    assert (payload, tenant) == before
