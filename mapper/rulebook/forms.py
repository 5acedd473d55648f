"""Every key a rulebook may hold, with what belongs there and a word of help.

The loader reads rulebooks by these tables, and the JSON schemas that give editors completion and hover are made from
them too, so that the two cannot drift apart.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from mapper.diagnostics import Place
from mapper.rulebook.source import Node

Shape = Literal[
    "expression", "condition", "value", "word", "words", "flag", "texts", "entries", "facts", "cases", "keyword rows",
    "conditions", "one or more", "check changes", "line rules", "requests", "checks", "search",
    "expectations", "severity", "template", "line rule changes", "request changes", "number", "day", "percentage",
    "country", "countries", "texts by name", "vat countries", "vat rates", "territories", "names", "postcodes",
    "changes", "absent", "invariants",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what belongs there, whether it must be there, and help for authors."""

    name: str
    shape: Shape
    doc: str
    needed: bool = False


@dataclass(frozen=True)
class Form:
    """A map with known keys. `what` names it in messages."""

    what: str
    doc: str
    keys: tuple[Key, ...]

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """Return the keys that must be there."""
        return tuple(key.name for key in self.keys if key.needed)

    @cached_property
    def known(self) -> tuple[str, ...]:
        """Return all keys."""
        return tuple(key.name for key in self.keys)


_EACH = Key("each", "expression", "Made once for every item of this list; once in all when left out.")
_AS = Key("as", "word", "The name of the item in the expressions of this rule.")
_IF = Key("if", "condition", "Only made when this holds.")

_RULEBOOK = Key("rulebook", "word", "The rulebook's name.", needed=True)
_READS = Key("reads", "word", "The name of what it reads: order, or document.", needed=True)
_CHECKS = Key("checks", "checks", "What must hold, and what is said otherwise.")

SOURCE_RULEBOOK = Form(
    "A rulebook that makes a document",
    "How one kind of document is mapped. Read from top to bottom: an entry may use all entries above it.",
    (
        _RULEBOOK,
        _READS,
        Key(
            "document",
            "entries",
            "The fields of the document; a name with _ is a working value.",
            needed=True,
        ),
        Key("lines", "line rules", "The lines of the document, in order."),
        Key("every_line", "entries", "What every line gets after its own values."),
        Key("totals", "entries", "Further fields of the document, which may use the lines."),
        _CHECKS,
    ),
)
EXTENSION = Form(
    "A rulebook that extends another",
    "All entries of the rulebook named by `extends`, with these in the place of those of their names.",
    (
        _RULEBOOK,
        _READS,
        Key("extends", "word", "The file whose entries it takes.", needed=True),
        Key("document", "entries", "Fields of the document and working values."),
        Key("values", "entries", "Working values between line rules."),
        Key("lines", "line rule changes", "Values of line rules, by the name of the line rule."),
        Key("every_line", "entries", "What every line gets after its own values."),
        Key("totals", "entries", "Further fields of the document."),
        Key(
            "checks",
            "check changes",
            "Checks in the place of those with their `id` and `about`, and new ones.",
        ),
    ),
)
TARGET_RULEBOOK = Form(
    "A rulebook that makes requests",
    "How a document becomes requests to WeFact. Read from top to bottom: an entry may use all entries above it.",
    (
        _RULEBOOK,
        _READS,
        Key("values", "entries", "Working values, for the requests and checks."),
        Key("requests", "requests", "The requests, in the order in which they are sent.", needed=True),
        _CHECKS,
    ),
)
INVARIANTS = Form(
    "Invariants",
    "What holds of every document that would be posted. `document.sent` is what WeFact would make of its invoice.",
    (
        _RULEBOOK,
        _READS,
        Key("values", "entries", "Working values, for the invariants."),
        Key("invariants", "invariants", "What must hold.", needed=True),
    ),
)
INVARIANT = Form(
    "An invariant",
    "What holds of every document that would be posted.",
    (
        Key("id", "word", "What it is called.", needed=True),
        _EACH,
        _AS,
        Key("that", "condition", "What must hold.", needed=True),
        Key("say", "texts", "What is wrong when it does not, in English and Dutch; {expressions} are filled in.",
            needed=True),
    ),
)  # fmt: skip
LINE_RULE = Form(
    "A line rule",
    "One line, or one for each item of a list. All line rules set the same fields.",
    (
        Key("kind", "word", "What the line is: revenue, shipping, payment …", needed=True),
        Key("name", "word", "What rules further down call these lines; the kind when left out."),
        _IF,
        _EACH,
        _AS,
        Key(
            "values",
            "entries",
            "The fields of the line; a name that begins with _ is a working value.",
            needed=True,
        ),
    ),
)
BETWEEN_LINES = Form(
    "Working values between line rules",
    "Values that the line rules below need and that use the lines above.",
    (Key("values", "entries", "The working values.", needed=True),),
)
REQUEST = Form(
    "A request",
    "One call to WeFact.",
    (
        Key("name", "word", "debtor, product, invoice or send.", needed=True),
        _IF,
        _EACH,
        _AS,
        Key("controller", "word", "The controller of WeFact's API.", needed=True),
        Key("action", "word", "The action of WeFact's API.", needed=True),
        Key("params", "entries", "What is sent; a parameter without a value is left out.", needed=True),
        Key("find", "search", "How to find what the request would create, so that nothing is created twice."),
        Key("expect", "expectations", "What the answer must hold."),
    ),
)
SEARCH = Form(
    "find",
    "How to find what a request would create.",
    (
        Key("if", "condition", "Only looked for when this holds."),
        Key("controller", "word", "The controller of WeFact's API.", needed=True),
        Key("action", "word", "list or show.", needed=True),
        Key("params", "entries", "What is sent.", needed=True),
        Key("same", "entries", "The fields that must be equal in what is found.", needed=True),
    ),
)
EXPECTATION = Form(
    "An expectation",
    "What an amount in the answer must be.",
    (
        Key("amount", "expression", "The amount, in euros.", needed=True),
        Key("within", "expression", "By how much it may differ.", needed=True),
    ),
)
CHECK = Form(
    "A check",
    "What must hold, and what is said otherwise.",
    (
        Key("id", "word", "The check's number in the specification; may stand at several checks.", needed=True),
        Key("about", "word", "The field it is about."),
        _EACH,
        _AS,
        Key("that", "condition", "What must hold; or give `if`."),
        Key("if", "condition", "When the check speaks; or give `that`."),
        Key("severity", "severity", "error and wait keep a document from being posted.", needed=True),
        Key("say", "texts", "What is said, in English and Dutch; {expressions} are filled in.", needed=True),
        Key("help", "texts", "What to do about it; required for error and wait."),
        Key("facts", "facts", "The values that decided, by name."),
        Key("offline", "flag", "Only said where no service can be asked, as by `mapper map`."),
    ),
)  # fmt: skip
CHECK_CHANGE = Form(
    "A check of an overlay",
    "What takes the place of parts of the check with this `id` and `about`.",
    (
        *(replace(key, needed=key.name in {"id", "about"}) for key in CHECK.keys),
        Key("nth", "number", "Which one, when several checks have this `id` and `about`; they count from 1."),
    ),
)
REQUEST_CHANGE = Form(
    "A request of an overlay",
    "Parameters in the place of those with their names, and new ones.",
    (Key("params", "entries", "The parameters.", needed=True),),
)
OVERLAY = Form(
    "An overlay",
    "Single rules changed for one webshop; all others stay those that everybody has.",
    (
        Key("document", "entries", "Values in the place of those of `document`, by name."),
        Key("every_line", "entries", "Values in the place of those of `every_line`, by name."),
        Key("totals", "entries", "Values in the place of those of `totals`, by name."),
        Key("values", "entries", "Working values in the place of those of their names."),
        Key("lines", "line rule changes", "Values of line rules, by the name of the line rule."),
        Key("requests", "request changes", "Parameters of requests, by the name of the request."),
        Key("checks", "check changes", "Checks in the place of those with their `id` and `about`."),
    ),
)
TEXTS = Form(
    "A text",
    "One text in each language.",
    (
        Key("en", "template", "The English text.", needed=True),
        Key("nl", "template", "The Dutch text.", needed=True),
    ),
)
CASE = Form(
    "A case",
    "One case of a `when`.",
    (
        Key("if", "condition", "Taken when this holds and no case above it did.", needed=True),
        Key("then", "value", "What the value then is.", needed=True),
    ),
)
KEYWORD_ROW = Form(
    "A keyword row",
    "Words to look for in a text.",
    (
        Key("any", "words", "One of these words stands in the text."),
        Key("all", "words", "All of these words stand in the text."),
        Key("then", "word", "What the value then is.", needed=True),
    ),
)

VALUES: Mapping[str, Form] = {
    "text": Form("A text", "A text with {expressions} in it.", (
        Key("text", "template", "The text; {{ stands for a brace.", needed=True),
    )),
    "when": Form("`when`", "The first case whose `if` holds.", (
        Key("when", "cases", "The cases, from top to bottom.", needed=True),
        Key("otherwise", "value", "The value when no case holds; none when left out, which no rule may need."),
    )),
    "match": Form("`match`", "A text looked up in a table of keywords.", (
        Key("match", "expression", "The text.", needed=True),
        Key("keywords", "keyword rows", "The table, from top to bottom.", needed=True),
        Key("otherwise", "word", "The value when no row fits.", needed=True),
    )),
    "find": Form("`find`", "The first entry of a list whose `by` equals `is`; none when there is no such entry.", (
        Key("find", "expression", "The list.", needed=True),
        Key("as", "word", "The name of an entry in `by` and `give`.", needed=True),
        Key("by", "one or more", "What is compared, of each entry.", needed=True),
        Key("is", "one or more", "What it must be equal to.", needed=True),
        Key("give", "value", "What the entry gives.", needed=True),
    )),
    "collect": Form("`collect`", "What each entry of a list gives.", (
        Key("collect", "expression", "The list.", needed=True),
        Key("as", "word", "The name of an entry in `where` and `give`.", needed=True),
        Key("where", "condition", "Only entries for which this holds."),
        Key("give", "value", "What an entry gives.", needed=True),
    )),
    "fields": Form("`fields`", "A record of named values.", (
        Key("if", "condition", "None when this does not hold."),
        Key("fields", "entries", "The values by name.", needed=True),
    )),
    "all": Form("`all`", "Whether all conditions hold.", (
        Key("all", "conditions", "The conditions.", needed=True),
    )),
    "any": Form("`any`", "Whether one of the conditions holds.", (
        Key("any", "conditions", "The conditions.", needed=True),
    )),
    "placeholder": Form("A placeholder", "What only the service can know.", (
        Key("placeholder", "word", "debtor.Identifier, invoice.Identifier or operation.token.", needed=True),
    )),
}  # fmt: skip

VAT_RATE = Form(
    "A VAT rate",
    "A rate in percent, from its first day on.",
    (
        Key("from", "day", "Its first day.", needed=True),
        Key("to", "day", "Its last day; when left out it holds until the next one begins, or still."),
        Key("rate", "percentage", "In percent: 21, or 5.5.", needed=True),
    ),
)
_KINDS_OF_RATES = (
    Key("standard", "vat rates", "The standard rate, newest first."),
    Key("reduced", "vat rates", "All lower rates."),
)
VAT_COUNTRY = Form(
    "A country",
    "The VAT rates of a country.",
    (
        Key("sources", "words", "Which of the sources at the top have them.", needed=True),
        replace(_KINDS_OF_RATES[0], needed=True),
        _KINDS_OF_RATES[1],
    ),
)
VAT_RATES = Form(
    "The table of VAT rates",
    "What each country of the EU charges, by day.",
    (
        Key("checked", "day", "The day on which the table was compared with its sources.", needed=True),
        Key("sources", "texts by name", "Where the rates are from.", needed=True),
        Key("also_eu", "countries", "Countries that are part of another one for VAT.", needed=True),
        Key("rates", "vat countries", "The rates of each country, by its two capitals.", needed=True),
    ),
)
VAT_RATES_BEFORE = Form(
    "The table of VAT rates",
    "As it was published before reduced rates were known.",
    (
        *(key for key in VAT_RATES.keys if key.name in {"checked", "also_eu"}),
        Key("standard", "vat countries", "The standard rates of each country.", needed=True),
    ),
)
NAMES = Form(
    "A name",
    "A name in each language.",
    (
        Key("en", "word", "The English name.", needed=True),
        Key("nl", "word", "The Dutch name.", needed=True),
    ),
)
TERRITORY = Form(
    "A territory",
    "A place whose VAT is not that of the country in its addresses.",
    (
        Key("name", "names", "What it is called.", needed=True),
        Key("country", "country", "The country in its addresses.", needed=True),
        Key("postcodes", "postcodes", "How its postcodes begin; the longest one counts.", needed=True),
        Key("vat_area", "flag", "Whether goods sent there stay in the EU's VAT area.", needed=True),
        Key("treated_as", "country", "Whose VAT codes and rates count; its `country` when left out."),
        Key("postcode_source", "word", "Where its postcodes are from.", needed=True),
        *_KINDS_OF_RATES,
    ),
)
VAT_TERRITORIES = Form(
    "The table of territories",
    "Places whose VAT is not that of the country in their address.",
    (
        Key("checked", "day", "The day on which the table was compared with its sources.", needed=True),
        Key("territories", "territories", "Each territory by a code of your own.", needed=True),
    ),
)

RULE_CASE = Form(
    "A case",
    "What must come of one order or invoice.",
    (
        Key("case", "word", "Why it is so, in a sentence.", needed=True),
        Key("fixture", "word", "The stored order or invoice, by its name in `payloads`.", needed=True),
        Key("change", "changes", "How this one differs: `rows.2.count: 3`; null takes away."),
        Key(
            "settings",
            "changes",
            "How the settings differ from the example settings: `invoice.status: sent`.",
        ),
        Key("vies", "word", "What VIES says of an ICP sale's VAT number: valid, invalid or unknown."),
        Key("expect", "changes", "What must come: fields of the document, parameters of requests, findings."),
        Key("not", "absent", "What must not come: a request, a kind of line, a finding, or a value."),
    ),
)


_ELSEWHERE = {
    "else": "otherwise", "default": "otherwise", "anders": "otherwise", "als": "if", "dan": "then",
    "wanneer": "when", "tekst": "text", "zoek": "find", "alle": "all", "regels": "lines",
}  # fmt: skip
"""What keys are called in other languages."""


def meant(name: str, known: Sequence[str]) -> str:
    """Return the key that was most likely meant by one that is not known; empty when none is like it."""
    if (other := _ELSEWHERE.get(name.lower())) in known:
        return str(other)
    return next(iter(difflib.get_close_matches(name, known, 1)), "")


def fitted(node: Node, form: Form, refuse: Callable[[str, Place, str, str], None]) -> Node:
    """Return a map with the entries that a form allows; the others are refused.

    `refuse` takes a code, a place, what is wrong, and a hint. A misspelt key counts as the one it was meant to be, so
    that nothing is refused for the want of it.
    """
    if node.kind != "map":
        refuse("RULE211", node.place, f"{form.what} holds `name: value` entries.", "")
        return Node("map", node.place)
    missing = [name for name in form.needed if name not in node.entries]
    unknown = [name for name in node.entries if name not in form.known]
    if not missing and not unknown:
        return node
    node = replace(node, entries=dict(node.entries))
    guessed: dict[str, str] = {}
    for name in unknown:
        absent = [one for one in form.known if one not in node.entries and one not in guessed.values()]
        alone = missing if len(missing) == len(unknown) == 1 else []
        first, _, rest = name.partition(" ")
        if first in absent and rest and node.entries[name].kind == "null":
            # In { } a key without a colon is a key without a value.
            guessed[name] = first
            node.entries[name] = replace(node.entries[name], kind="text", text=rest)
            hint = "Write `key: value`, with a space behind the colon."
            refuse("RULE219", node.keys[name], "A ':' is missing after a key.", hint)
            continue
        close = meant(name, absent) or "".join(alone)
        if close:
            guessed[name] = close
        hint = f"Did you mean '{close}'?" if close else f"Known here: {', '.join(form.known)}."
        refuse("RULE219", node.keys[name], f"{form.what} has no '{name}'.", hint)
    for name in missing:
        if name not in guessed.values():
            refuse("RULE218", node.place, f"{form.what} needs '{name}'.", "")
    kept = {guessed.get(name, name): name for name in node.entries if name in guessed or name in form.known}
    return replace(
        node,
        entries={name: node.entries[was] for name, was in kept.items()},
        keys={name: node.keys[was] for name, was in kept.items()},
    )
