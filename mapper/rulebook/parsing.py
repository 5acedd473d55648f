"""A text parsed as an expression, or refused in the words of people who never programmed.

The parser is Python's own. Nothing of what it says reaches a reader: it speaks of octal literals and string tokens
where somebody wrote a decimal comma or forgot a quote.
"""

from __future__ import annotations

import ast
import keyword
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache

from simpleeval import InvalidExpression, SimpleEval

_FORMS = "An expression looks like `a + b`, `a == 'text'`, `a or b`, `a if b else c`."
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_DATE = re.compile(r"\b[12][0-9]{3}-[0-9]{2}-[0-9]{2}\b")
_DECIMAL_COMMA = re.compile(r"(?<![\w.,])[0-9]+(?:\.[0-9]{3})*,[0-9]+(?![\w.,])")
_LEADING_ZERO = re.compile(r"(?<![\w.])0+[0-9_]*")
_WORD = re.compile(r"[^\W\d]\w*")
_LAST_WORD = re.compile(r"[^\W\d]\w*\Z")
_TOKEN = re.compile(r"""[^\W\d][\w.]*|[0-9][\w.]*|'[^']*'?|"[^"]*"?|\S""")
_ESCAPE = re.compile(r"\\.")

# What other languages write, and what the rule language has for it.
_FOREIGN = {"&&": "and", "||": "or", "!=": "", "!": "not", "<>": "!=", "=>": ">=", "=<": "<=", "===": "=="}
_FOREIGN_WORDS = {"en": "and", "of": "or", "niet": "not", "als": "if", "anders": "else"}
_OWN_WORDS = frozenset({"and", "or", "not", "in", "if", "else"})
_CHARACTERS = {
    **dict.fromkeys("‘’“”„«»`´", "Write the straight quotes ' or \"."),
    **dict.fromkeys("–—−‐", "Write -."),
    "×": "Write *.",
    "÷": "Write /.",
    "≤": "Write <=.",
    "≥": "Write >=.",
    "≠": "Write !=.",
    "€": "Write the amount alone: 12.50.",
    "\u00a0": "Write an ordinary space.",
}


@dataclass(frozen=True, slots=True)
class Unreadable(Exception):
    """A text that is no expression: why, what to write, and which characters of it are meant."""

    message: str
    hint: str
    start: int
    length: int = 1


def parse(source: str) -> ast.expr:
    """Parse a text without line ends. Raises Unreadable."""
    try:
        statement = _statement(source)
    except SyntaxError as error:
        raise _told(source, error.msg or "", min(max((error.offset or 1) - 1, 0), len(source))) from None
    except (InvalidExpression, ValueError, RecursionError, MemoryError, Warning) as error:
        raise _told(source, str(error), 0) from None
    if not isinstance(statement, ast.Expr):
        raise _statement_told(source, statement)
    rest = source.encode()[statement.end_col_offset :].decode()
    if rest.strip():
        length = len(rest.strip())
        raise Unreadable(
            "The expression has ended before this.", "Remove it.", len(source) - len(rest.lstrip()), length
        )
    tree = statement.value
    if isinstance(tree, ast.Tuple) and (told := decimal_comma(source)) and not source.startswith("("):
        raise told
    return tree


def decimal_comma(source: str) -> Unreadable | None:
    """Say which number of a text is written with a comma; None when none is."""
    found = _DECIMAL_COMMA.search(_without_texts(source))
    if found is None:
        return None
    number = found.group().replace(".", "").replace(",", ".")
    message = f"'{found.group()}' has a comma: a decimal number is written with a point."
    return Unreadable(message, f"Write {number}.", found.start(), len(found.group()))


@lru_cache(maxsize=4096)
def _statement(source: str) -> ast.stmt:
    """Parse a text. Kinds of documents share most expressions, and an edit changes one: the tree is only ever read."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        statement: ast.stmt = SimpleEval.parse(source)
    return statement


def _without_texts(source: str) -> str:
    """Return a text with spaces in place of what stands in quotes."""
    return _QUOTED.sub(lambda found: " " * len(found.group()), source)


def _statement_told(source: str, statement: ast.stmt) -> Unreadable:
    if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign):
        hint = "Compare with ==, or write the name as the key: `name: expression`."
        return Unreadable("An expression gives a value; it cannot set one.", hint, 0, len(source))
    word = _TOKEN.match(source)
    begin = word.group() if word else source
    return Unreadable(f"'{begin}' begins no expression.", _FORMS, 0, len(begin))


def _told(source: str, said: str, at: int) -> Unreadable:
    """Return a parser's complaint, `said` about the character `at`, in plain words."""
    if "leading zeros" in said or "invalid decimal literal" in said:
        return _number_told(source, said, at)
    if "unterminated" in said:
        hint = "Close it. A quote within a text is written \\', or the text stands between the other quotes."
        return Unreadable("A quote is opened here and not closed.", hint, at)
    if "was never closed" in said:
        return Unreadable(f"This '{source[at : at + 1]}' is not closed.", "Close it, or remove it.", at)
    if "unmatched" in said or "does not match" in said:
        message = f"This '{source[at : at + 1]}' closes nothing that was opened before it."
        return Unreadable(message, "Remove it, or open it where it belongs.", at)
    if "character" in said and at < len(source):
        hint = _CHARACTERS.get(source[at], "Such a character may only stand in a text, between quotes.")
        return Unreadable(f"'{source[at]}' has no meaning in an expression.", hint, at)
    if "escape sequence" in said:
        found = _ESCAPE.search(source, at)
        spot, shown = (found.start(), found.group()) if found else (at, "\\")
        return Unreadable(f"'{shown}' stands for no character.", "A \\ in a text is written \\\\.", spot, 2)
    if "expected 'else'" in said:
        return Unreadable("This `if` has no `else`.", "Write `a if condition else b`.", at)
    if "null" in said or "surrogates" in said:
        return Unreadable("This text holds a character that nobody can see.", "Remove it.", 0)
    if "nested" in said or "recursion" in said:
        return Unreadable("The expression is too deep.", "Give a part a name of its own.", 0)
    return _place_told(source, at)


def _number_told(source: str, said: str, at: int) -> Unreadable:
    comma = decimal_comma(source)
    if comma is not None:
        return comma
    if date := _DATE.search(_without_texts(source)):
        hint = f"A text stands in quotes: '{date.group()}'."
        return Unreadable("A date is a text.", hint, date.start(), len(date.group()))
    zero = _LEADING_ZERO.search(source, max(0, at - 1))
    if "leading zeros" in said and zero is not None:
        number = zero.group().lstrip("0") or "0"
        message = "A number does not begin with 0."
        return Unreadable(message, f"Write {number}.", zero.start(), len(zero.group()))
    hint = "Put a space or a sign between them; a text stands in quotes."
    return Unreadable("A number and a word stand here without anything between them.", hint, at)


def _place_told(source: str, at: int) -> Unreadable:
    """Say what cannot stand at a place by what stands there."""
    if sign := _sign_told(source, at):
        return sign
    if re.match(r"if\b", source):
        return Unreadable("A condition stands after its value.", "Write `a if condition else b`.", 0, 2)
    if "?" in _without_texts(source):
        spot = _without_texts(source).index("?")
        return Unreadable("'?' is not part of the rule language.", "Write `a if condition else b`.", spot)
    if not source[at:].strip() or source[at:].strip() == "%":
        return _end_told(source)
    found = _TOKEN.search(source, at)
    assert found is not None
    shown, start = found.group(), found.start()
    before = source[:start].rstrip()
    if foreign := _own_word_told(source, start, shown):
        return foreign
    word = _WORD.match(shown)
    if word and keyword.iskeyword(word.group()):
        message = f"'{word.group()}' cannot stand here, and is no name."
        return Unreadable(message, _FORMS, start, len(word.group()))
    if _is_value(shown) and before and _is_value(before[-1]):
        message = f"'{shown}' follows another value without a sign between them."
        hint = "Write one, such as + or `and`; a text stands in quotes."
        if shown.isdigit() and before[-1].isdigit():
            hint = "A number is written without spaces."
        return Unreadable(message, hint, start, len(shown))
    return Unreadable(f"'{shown}' cannot stand here.", _FORMS, start, len(shown))


def _sign_told(source: str, at: int) -> Unreadable | None:
    """Tell of a sign of other languages, at a place or just before it."""
    for sign, instead in _FOREIGN.items():
        for start in (at, at - 1):
            if instead and start >= 0 and source.startswith(sign, start):
                message = f"'{sign}' is not part of the rule language."
                return Unreadable(message, f"Write {instead}.", start, len(sign))
    return None


def _own_word_told(source: str, start: int, shown: str) -> Unreadable | None:
    """Tell of a word of the rule language in capitals or in Dutch, at a place or just before it."""
    last = _LAST_WORD.search(source[:start].rstrip())
    for written, begin in ((shown, start), *([(last.group(), last.start())] if last else [])):
        if meant := _own_word(written):
            message = f"'{written}' is not part of the rule language."
            return Unreadable(message, f"Write {meant}.", begin, len(written))
    return None


def _own_word(written: str) -> str:
    """Return the word of the rule language that was meant by one in capitals or in Dutch; empty when none was."""
    low = written.lower()
    return low if low in _OWN_WORDS and low != written else _FOREIGN_WORDS.get(low, "")


def speaks(text: str) -> bool:
    """Tell whether a text of words alone has some of the rule language, so that it may be meant as an expression."""
    return any(word in _OWN_WORDS or _own_word(word) for word in _WORD.findall(text))


def _end_told(source: str) -> Unreadable:
    last = max(0, len(source.rstrip()) - 1)
    if source.rstrip().endswith("%"):
        return Unreadable("'%' is not part of the rule language.", "Write the number alone.", last)
    word = _WORD.match(source)
    if word and keyword.iskeyword(word.group()) and word.group() not in {"not", "if"}:
        return Unreadable(f"'{word.group()}' is no name here.", _FORMS, 0, len(word.group()))
    return Unreadable("The expression ends too early.", "Write what follows, or remove the sign.", last)


def _is_value(text: str) -> bool:
    return text[0].isalnum() or text[0] in "_'\")]"
