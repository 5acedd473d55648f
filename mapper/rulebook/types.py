"""The types of the rule language, and how they follow from a JSON schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Kind = Literal["number", "integer", "text", "flag", "record", "list", "none", "any"]


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a value. `optional`: it may be absent. `fields` of a record, `item` of a list; None is unknown.

    `outside`: the record comes from a payload, so its fields are checked whenever they are read.
    """

    kind: Kind
    optional: bool = False
    fields: Mapping[str, Type] | None = field(default=None, compare=False)
    item: Type | None = field(default=None, compare=False)
    outside: bool = False

    def __str__(self) -> str:
        name = "list of " + self.item.plural() if self.kind == "list" and self.item else self.kind
        return f"{name}, or none" if self.optional and self.kind != "none" else name

    def plural(self) -> str:
        """Return the type's name as in "list of numbers"."""
        return {"any": "values", "text": "texts"}.get(self.kind, self.kind + "s")

    def maybe(self) -> Type:
        """Return the same type, but it may be absent."""
        return replace(self, optional=True)

    def sure(self) -> Type:
        """Return the same type, and it is there."""
        return replace(self, optional=False)

    @property
    def numeric(self) -> bool:
        """Whether it can be calculated with."""
        return self.kind in {"number", "integer", "any"}


NUMBER, INTEGER, TEXT, FLAG = Type("number"), Type("integer"), Type("text"), Type("flag")
NONE, ANY = Type("none", optional=True), Type("any")
NUMBERS, TEXTS, RECORDS = Type("list", item=NUMBER), Type("list", item=TEXT), Type("list", item=Type("record"))


def fits(given: Type, wanted: Type) -> bool:
    """Tell whether a value of one type may stand where another is wanted (absence is judged elsewhere)."""
    if "any" in (given.kind, wanted.kind) or given.kind == "none":
        return True
    if given.kind == "list" and wanted.kind == "list":
        return given.item is None or wanted.item is None or fits(given.item, wanted.item)
    return given.kind == wanted.kind or (given.numeric and wanted.numeric)


def join(first: Type, second: Type) -> Type | None:
    """Return the type of a value that is one or the other; None when they do not go together."""
    optional = first.optional or second.optional
    if first.kind == "none":
        return second.maybe()
    if second.kind == "none":
        return first.maybe()
    if not fits(first, second):
        return None
    if first.kind == "record" and first.fields is not None and second.fields is not None:
        return replace(first, fields={**second.fields, **first.fields}, optional=optional)
    wider = second if first.kind in {"any", "integer"} else first
    return replace(wider, optional=optional)


def from_schema(schema: Mapping[str, Any], *, outside: bool) -> Type:
    """Return the type that a JSON schema describes. Fields of a payload (`outside`) may always be absent."""
    names = schema.get("type", "any")
    kinds = [names] if isinstance(names, str) else list(names)
    optional = outside or "null" in kinds
    known = [kind for kind in kinds if kind != "null"]
    if len(known) != 1:
        return Type("any", optional)
    kind = known[0]
    if kind == "object":
        fields = {name: from_schema(part, outside=outside) for name, part in schema.get("properties", {}).items()}
        return Type("record", optional, fields=fields, outside=outside)
    if kind == "array":
        item = from_schema(schema.get("items", {}), outside=outside)
        return Type("list", optional, item=item.sure())
    scalars: dict[str, Kind] = {"string": "text", "number": "number", "integer": "integer", "boolean": "flag"}
    return Type(scalars.get(kind, "any"), optional)
