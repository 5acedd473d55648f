"""The types of the rule language, and how they follow from a JSON schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Kind = Literal["number", "integer", "text", "flag", "record", "list", "none", "any"]
Unit = Literal["", "money", "percentage", "quantity", "date"]
Form = Literal["", "clean", "upper"]


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a value. `optional`: it may be absent. `fields` of a record, `item` of a list; None is unknown.

    `unit` is what a number counts, or `date` of a text; a number without unit goes with every unit. `choices` are all
    the texts it can be, when they are known. `outside`: the record comes from a payload, so its fields are checked
    whenever they are read; `nullable`: the shop's API documents that the field may be null, or a rule leaves it without
    value, as a `when` without `otherwise` does. `form`: the function that gave a text its form. `unread`: nobody knows
    what it is, since what makes it cannot be read.
    """

    kind: Kind
    optional: bool = False
    fields: Mapping[str, Type] | None = field(default=None, compare=False)
    item: Type | None = field(default=None, compare=False)
    outside: bool = False
    unit: Unit = ""
    choices: tuple[str, ...] = field(default=(), compare=False)
    nullable: bool = field(default=False, compare=False)
    form: Form = field(default="", compare=False)
    unread: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        name = (
            "list of " + self.item.plural() if self.kind == "list" and self.item else self.unit or self.kind
        )
        return f"{name}, or none" if self.optional and self.kind != "none" else name

    @property
    def called(self) -> str:
        """Return the type with its article, as in "an amount of money": for messages."""
        name = {"money": "amount of money", "none": "value that is none"}.get(
            self.unit or self.kind, str(self.sure())
        )
        return ("an " if name[0] in "aeiou" else "a ") + name

    def plural(self) -> str:
        """Return the type's name as in "list of numbers"."""
        plurals = {"any": "values", "quantity": "quantities", "money": "amounts of money"}
        return plurals.get(self.unit or self.kind, (self.unit or self.kind) + "s")

    def maybe(self) -> Type:
        """Return the same type, but it may be absent."""
        return self if self.optional else replace(self, optional=True)

    def sure(self) -> Type:
        """Return the same type, and it is there."""
        if not (self.optional or self.nullable):
            return self
        # As `replace` does, at a third of its time: this is asked for tens of thousands of times.
        return Type(self.kind, False, self.fields, self.item, self.outside, self.unit, self.choices, False, self.form,
                    self.unread)  # fmt: skip

    def of(self, unit: Unit) -> Type:
        """Return the same type in another unit."""
        return replace(self, unit=unit)

    @property
    def numeric(self) -> bool:
        """Whether it can be calculated with."""
        return self.kind in {"number", "integer", "any"}


NUMBER, INTEGER, TEXT, FLAG = Type("number"), Type("integer"), Type("text"), Type("flag")
PLACES = Type("number")
"""A number of decimals: 0 to 12, known when rules are read; told from other numbers by identity."""
NONE, ANY = Type("none", optional=True), Type("any")
UNREAD = Type("any", unread=True)
MONEY, PERCENTAGE, QUANTITY = (
    Type("number", unit="money"),
    Type("number", unit="percentage"),
    Type("number", unit="quantity"),
)
DATE = Type("text", unit="date")
NUMBERS, RECORDS = Type("list", item=NUMBER), Type("list", item=Type("record"))


def fits(given: Type, wanted: Type) -> bool:
    """Tell whether a value of one type may stand where another is wanted (absence is judged elsewhere)."""
    if "any" in (given.kind, wanted.kind) or given.kind == "none":
        return True
    if given.kind == "list" and wanted.kind == "list":
        return given.item is None or wanted.item is None or fits(given.item, wanted.item)
    if given.unit and wanted.unit and given.unit != wanted.unit:
        return False
    return given.kind == wanted.kind or (given.numeric and wanted.numeric)


def calculated(op: str, left: Type, right: Type) -> Type | None:
    """Return the type of `left op right`; None when the units do not go together, as money × money.

    A percentage becomes a plain number when it is divided by one: `percentage / 100` is a factor. What comes of a value
    that may be anything counts nothing in particular.
    """
    if left.unread or right.unread:
        return UNREAD
    if "any" in (left.kind, right.kind):
        return NUMBER
    units = (left.unit, right.unit)
    if op in {"+", "-"}:
        return (
            None
            if left.unit and right.unit and left.unit != right.unit
            else NUMBER.of(left.unit or right.unit)
        )
    if op == "*":
        if set(units) == {"percentage", ""}:
            return PERCENTAGE
        if "percentage" in units or units == ("money", "money"):
            return None
        return NUMBER.of("money" if "money" in units else left.unit or right.unit)
    if right.unit == "percentage" and left.unit != "percentage":
        return None
    if left.unit in {right.unit, "percentage"}:
        return NUMBER
    return NUMBER if right.unit == "money" else NUMBER.of(left.unit)


def join(first: Type, second: Type) -> Type | None:
    """Return the type of a value that is one or the other; None when they do not go together."""
    optional = first.optional or second.optional
    if "none" in (first.kind, second.kind):
        return replace(second if first.kind == "none" else first, optional=True, nullable=True)
    if first is second:
        return first
    if not fits(first, second):
        return None
    if first.kind == "record" and first.fields is not None and second.fields is not None:
        fields = {**second.fields, **first.fields}
        return replace(first, fields=fields, optional=optional, nullable=first.nullable or second.nullable)
    wider = second if first.kind in {"any", "integer"} else first
    choices = first.choices if first.choices == second.choices else ()
    unit, nullable = first.unit or second.unit, first.nullable or second.nullable
    form: Form = first.form if first.form == second.form else ""
    return Type(wider.kind, optional, wider.fields, wider.item, wider.outside, unit, choices, nullable, form,
                wider.unread)  # fmt: skip


def from_schema(schema: Mapping[str, Any], *, outside: bool) -> Type:
    """Return the type that a JSON schema describes. Fields of a payload (`outside`) may always be absent."""
    names = schema.get("type", "any")
    kinds = [names] if isinstance(names, str) else list(names)
    nullable = "null" in kinds
    optional = outside or nullable
    known = [kind for kind in kinds if kind != "null"]
    if len(known) != 1:
        return Type("any", optional)
    kind = known[0]
    if kind == "object":
        fields = {
            name: from_schema(part, outside=outside) for name, part in schema.get("properties", {}).items()
        }
        return Type("record", optional, fields=fields, outside=outside)
    if kind == "array":
        item = from_schema(schema.get("items", {}), outside=outside)
        return Type("list", optional, item=item.sure())
    scalars: dict[str, Kind] = {"string": "text", "number": "number", "integer": "integer", "boolean": "flag"}
    unit = _UNITS.get(schema.get("format", ""), "")
    choices = tuple(choice for choice in schema.get("enum", ()) if choice is not None)
    return Type(scalars.get(kind, "any"), optional, unit=unit, choices=choices, nullable=nullable and outside)


_UNITS: Mapping[str, Unit] = {
    "money": "money",
    "percentage": "percentage",
    "quantity": "quantity",
    "date-time": "date",
}
