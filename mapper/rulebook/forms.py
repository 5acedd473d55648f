"""Every key a rulebook may hold, with what belongs there and a word of help.

The loader reads rulebooks by these tables, and the JSON schemas that give editors completion and hover are made from
them too, so that the two cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Shape = Literal[
    "expression", "condition", "value", "word", "words", "flag", "texts", "entries", "facts", "cases", "keyword rows",
    "conditions", "one or more", "line changes", "check changes", "line rules", "requests", "checks", "search",
    "expectations", "severity", "template",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what belongs there, whether it must be there, and help for authors."""

    name: str
    shape: Shape
    doc: str
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A map with known keys. `what` names it in messages."""

    what: str
    doc: str
    keys: tuple[Key, ...]

    @property
    def needed(self) -> list[str]:
        """Return the keys that must be there."""
        return [key.name for key in self.keys if key.needed]

    @property
    def known(self) -> list[str]:
        """Return all keys."""
        return [key.name for key in self.keys]


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
        Key("lines", "line changes", "Values of line rules, by the name of the line rule."),
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

_SCALAR = {"type": ["string", "number", "boolean"]}
_LISTS: Mapping[str, str] = {
    "cases": "case", "keyword rows": "keyword row", "line rules": "line step", "requests": "request", "checks": "check",
}  # fmt: skip


def editor_schema(rulebook: Form, functions: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON schema of a kind of rulebook, for editors. `functions` are all functions with their help."""
    listed = "\n".join(f"{name}: {doc}" for name, doc in sorted(functions.items()))
    expression = (
        "An expression: names, fields by dot, + - * /, comparison, and, or, not, `a if b else c`, functions."
    )
    defs: dict[str, Any] = {
        "expression": {**_SCALAR, "description": f"{expression}\n\n{listed}"},
        "condition": {**_SCALAR, "description": "An expression that holds or does not hold."},
        "template": {"type": "string", "description": "A text with {expressions} in it."},
        "word": {**_SCALAR},
        "entry": {"anyOf": [{"$ref": "#/$defs/value"}]},
        "value": {
            "anyOf": [{"$ref": "#/$defs/expression"}, *({"$ref": f"#/$defs/{name}"} for name in VALUES)],
        },
        "line step": {"anyOf": [{"$ref": "#/$defs/line rule"}, {"$ref": "#/$defs/between lines"}]},
    }
    named = {
        "line rule": LINE_RULE, "between lines": BETWEEN_LINES, "request": REQUEST, "search": SEARCH,
        "expectation": EXPECTATION, "check": CHECK, "texts": TEXTS, "case": CASE, "keyword row": KEYWORD_ROW,
    }  # fmt: skip
    defs |= {name: _form(form) for name, form in {**named, **VALUES}.items()}
    root = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": rulebook.what}
    return {**root, **_form(rulebook), "$defs": defs}


def _form(form: Form) -> dict[str, Any]:
    return {
        "type": "object",
        "description": form.doc,
        "properties": {key.name: {**_shape(key.shape), "description": key.doc} for key in form.keys},
        "required": form.needed,
        "additionalProperties": False,
    }


def _shape(shape: Shape) -> dict[str, Any]:
    if shape in _LISTS:
        return {"type": "array", "items": {"$ref": f"#/$defs/{_LISTS[shape]}"}}
    if shape == "line changes":
        return {"type": "object", "additionalProperties": _shape("entries")}
    if shape == "check changes":
        return {"type": "array", "items": {**_form(CHECK), "required": ["id", "about"]}}
    if shape in {"entries", "facts", "expectations"}:
        inner = {"entries": "entry", "facts": "expression", "expectations": "expectation"}[shape]
        return {"type": "object", "additionalProperties": {"$ref": f"#/$defs/{inner}"}}
    if shape in {"words", "conditions", "one or more"}:
        inner = "word" if shape == "words" else "expression"
        many = {"type": "array", "items": {"$ref": f"#/$defs/{inner}"}, "minItems": 1}
        return {"anyOf": [many, {"$ref": f"#/$defs/{inner}"}]} if shape == "one or more" else many
    if shape == "flag":
        return {"type": "boolean"}
    if shape == "severity":
        return {"anyOf": [{"enum": ["error", "wait", "warning", "info"]}, {"$ref": "#/$defs/value"}]}
    return {"$ref": f"#/$defs/{shape}"}
