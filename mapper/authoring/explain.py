"""Why a value is what it is: from a request's parameter or a document's field back to the payload, rule by rule.

A path names what to explain: `total_incl`, `customer.email`, `lines.1.unit_excl` (lines count from 1), or a parameter
of a request: `invoice.InvoiceLines.1.PriceExcl`, `debtor.Address`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from mapper import money
from mapper.diagnostics import Place, printable
from mapper.errors import UsageError
from mapper.mapping import Mapped, Rulebooks, Traced, payload_schema
from mapper.rulebook import rules as r
from mapper.rulebook import tree as ex
from mapper.rulebook.functions import RuleFault, shown
from mapper.rulebook.reference import Absent, Evaluator, typed
from mapper.rulebook.rules import in_value
from mapper.rulebook.source import Source

Names = dict[str, Any]


_ROUNDING = frozenset({"round_half_up", "decimal_text"})


@dataclass(frozen=True, slots=True)
class Alternative:
    """One case of a table or condition: whether it applied, and why or why not."""

    text: str
    applied: bool
    why: str


@dataclass(frozen=True, slots=True)
class Rounded:
    """One rounding: what was rounded, to what, and the difference that it made."""

    text: str
    exact: Decimal
    result: Decimal

    @property
    def difference(self) -> Decimal:
        """Return what rounding added."""
        return self.result - self.exact


@dataclass(frozen=True, slots=True)
class Explanation:
    """One value: what made it, from what, and which cases did not apply."""

    path: str
    value: Any
    place: Place | None
    rule: str
    cases: tuple[Alternative, ...] = ()
    inputs: tuple[Explanation, ...] = ()
    again: bool = False
    rounded: tuple[Rounded, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as JSON-able values."""
        told: dict[str, Any] = {"path": self.path, "value": self.value}
        if self.place is not None:
            told |= {"rule": str(self.place), "text": self.rule}
        if self.cases:
            told["cases"] = [{"case": one.text, "applied": one.applied, "why": one.why} for one in self.cases]
        if self.rounded:
            told["rounded"] = [
                {"text": one.text, "exact": one.exact, "result": one.result, "difference": one.difference}
                for one in self.rounded
            ]
        if self.inputs:
            told["inputs"] = [one.to_json() for one in self.inputs]
        return told

    def render(self) -> str:
        """Return the explanation as a tree for a terminal."""
        return "\n".join(self.tree("", ""))

    def tree(self, first: str, rest: str) -> Iterator[str]:
        """Yield the lines of the tree; `first` and `rest` stand before its first line and the others."""
        yield first + printable(f"{self.path} = {_brief(self.value)}")
        inner = rest + ("│ " if self.inputs else "  ")
        if self.place is not None and not self.again:
            yield inner + printable(f"{self.place}  {self.rule}", 300)
        for case in () if self.again else self.cases:
            yield inner + printable(f"{'✓' if case.applied else '✗'} {case.text}   {case.why}".rstrip(), 300)
        for rounding in () if self.again else self.rounded:
            by = money.decimal_text(rounding.difference, 12)
            change = f"{_brief(rounding.exact)} → {_brief(rounding.result)}, by {by}"
            yield inner + printable(f"≈ {rounding.text}   {change}", 300)
        if self.again:
            yield inner + "(explained above)"
        for number, one in enumerate(self.inputs):
            last = number == len(self.inputs) - 1
            yield from one.tree(rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))


def explain_field(
    rulebooks: Rulebooks,
    payload: Mapping[str, Any],
    settings: Mapping[str, Any],
    path: str,
    *,
    kind: str = "order",
) -> Explanation:
    """Map a payload and explain one value. Raises UsageError USE120 when nothing in it has that path."""
    mapped = rulebooks.bind(settings).apply(kind, payload)
    return Explainer(rulebooks, kind, payload, settings, mapped).explain(path)


class Explainer:
    """Explains the values of one mapped document."""

    def __init__(
        self,
        rulebooks: Rulebooks,
        kind: str,
        payload: Mapping[str, Any],
        settings: Mapping[str, Any],
        mapped: Mapped,
    ) -> None:
        self.rulebooks = rulebooks
        self.kind = kind
        self.mapped = mapped
        self.evaluator = Evaluator(rulebooks.functions)
        self.source, self.target = rulebooks.sources[kind].rules, rulebooks.target.rules
        texts = {rulebooks.files[name]: text for name, text in rulebooks.texts.items()}
        self.lines = {file: Source(text, file).lines for file, text in texts.items()}
        self.written = {**self.source.written, **self.target.written}
        self.entries = {(entry.path, entry.place): entry for compiled in (rulebooks.sources[kind], rulebooks.target)
                        for entry in compiled.entries}  # fmt: skip
        self.of_target = {(entry.path, entry.place) for entry in rulebooks.target.entries}
        given = typed(dict(payload), payload_schema(kind))
        self.given: Names = dict.fromkeys(self.source.given, given) | {"tenant": settings}
        self.traced = mapped.trace.values
        self.told: set[tuple[str, int | None]] = set()

    def paths(self) -> list[str]:
        """Return every path that can be explained, in document order."""
        found = [_path_of(one) for one in self.traced if not one.path.split(".")[-1].startswith("_")]
        for number, request in enumerate(self.mapped.requests, start=1):
            name = request.name if request.name != "product" else f"product.{number}"
            found += [f"{name}.{parameter}" for parameter in request.params]
        return list(dict.fromkeys(found))

    def summary(self) -> Iterator[Explanation]:
        """Yield each value of the document with its rule, without its inputs."""
        for one in self.traced:
            if not one.path.split(".")[-1].startswith("_"):
                entry = self.entries[one.path, one.place]
                yield Explanation(_path_of(one), one.value, one.place, self._text(entry.value))

    def explain(self, path: str) -> Explanation:
        """Explain one value. Raises UsageError USE120 when there is none of that path."""
        self.told.clear()
        names = path.split(".")
        if names[0] in {request.name for request in self.target.requests}:
            found = self._request(names)
        elif names[0] == "lines" and len(names) == 3 and names[1].isdigit():
            found = self._traced_explanation(self._find(names[2], int(names[1])))
        else:
            found = self._document(names)
        if found is None:
            close = difflib.get_close_matches(path, self.paths(), 3)
            raise UsageError(
                "USE120", path=printable(path, 100), close=", ".join(close) or "document has no value like it"
            )
        return replace(found, path=path)

    # finding what is meant

    def _find(self, name: str, line: int | None) -> Traced | None:
        for one in self.traced:
            section, _, own = one.path.partition(".")
            if own == name and one.line == line and (line is not None or section in {"document", "values"}):
                return one
        return None

    def _document(self, names: Sequence[str]) -> Explanation | None:
        traced = self._find(names[0], None)
        if traced is None or len(names) == 1:
            return self._traced_explanation(traced)
        entry = self.entries[traced.path, traced.place]
        inner = (
            entry.value.fields.get(names[1])
            if isinstance(entry.value, r.Fields) and len(names) == 2
            else None
        )
        if inner is None or traced.value is None:
            return None
        return self._value(
            ".".join(names), traced.value[names[1]], inner, self._names(self.source, None), None
        )

    def _traced_explanation(self, traced: Traced | None) -> Explanation | None:
        if traced is None:
            return None
        entry = self.entries[traced.path, traced.place]
        rules = self.target if (traced.path, traced.place) in self.of_target else self.source
        return self._value(_path_of(traced), traced.value, entry.value, self._names(rules, traced), traced)

    def _request(self, names: Sequence[str]) -> Explanation | None:
        """Explain a parameter: follow its path through the rule's forms as through the request's values."""
        candidates = [one for one in self.mapped.requests if one.name == names[0]]
        rest = list(names[1:])
        if candidates and candidates[0].name == "product" and rest and rest[0].isdigit():
            candidates = candidates[int(rest.pop(0)) - 1 :]
        rule = next((one for one in self.target.requests if one.name == names[0]), None)
        if not candidates or rule is None or not rest:
            return None
        env = self._names(self.target, None)
        if rule.each is not None:
            items = self.evaluator.value(self._slice(rule.each.place), env)
            number = [one for one in self.mapped.requests if one.name == names[0]].index(candidates[0])
            env[rule.variable] = items[number]
        value: Any = candidates[0].params
        form: r.Value = rule.params
        for name in rest:
            form = self._chosen(form, env)
            if (
                isinstance(form, r.Collect)
                and name.isdigit()
                and isinstance(value, list)
                and int(name) <= len(value)
            ):
                items = self.evaluator.value(self._slice(form.collection.place), env)
                env = {**env, form.variable: items[int(name) - 1], "line number": int(name)}
                value, form = value[int(name) - 1], form.give
            elif isinstance(form, r.Fields) and isinstance(value, Mapping) and name in value:
                value, form = value[name], form.fields[name]
            else:
                return None
        return self._value(".".join(names), value, form, env, None)

    def _chosen(self, form: r.Value, env: Names) -> r.Value:
        while isinstance(form, r.When):
            applied = [case.then for case in form.cases if self._evaluate(case.test, env) is True]
            form = applied[0] if applied else form.otherwise
        return form

    # names and their values

    def _names(self, rules: r.Rules, traced: Traced | None) -> Names:
        """Return what the names of a rule meant when it gave its value."""
        env = dict(self.given)
        if rules is self.target:
            env["document"] = self.mapped.document or {}
        groups: dict[str, list[Names]] = {}
        for one in self.traced:
            section, _, name = one.path.partition(".")
            if one.line is None:
                env[name] = one.value
            else:
                group = groups.setdefault(section, [])
                if not group or group[-1]["line number"] != one.line:
                    group.append({"line number": one.line})
                group[-1][name] = one.value
        if rules is self.source:
            for step in self.source.steps:
                if isinstance(step, r.LineRule):
                    env[step.name] = groups.get(step.name, [])
            env["lines"] = self._lines_before(groups, traced)
        if traced is not None and traced.line is not None:
            self._add_line_names(env, groups, traced)
        return env

    def _lines_before(self, groups: Mapping[str, list[Names]], traced: Traced | None) -> list[Names]:
        """Return the lines a rule saw: a line rule and the values above it see only the lines made before them."""
        lines = sorted(
            (line for group in groups.values() for line in group), key=lambda line: line["line number"]
        )
        if traced is None:
            return lines
        if traced.line is not None:
            return [line for line in lines if line["line number"] < traced.line]
        position = self.traced.index(traced)
        before = [one.line for one in self.traced[:position] if one.line is not None]
        return lines[: max(before, default=0)]

    def _add_line_names(self, env: Names, groups: Mapping[str, list[Names]], traced: Traced) -> None:
        section = traced.path.partition(".")[0]
        rule = next(
            step for step in self.source.steps if isinstance(step, r.LineRule) and step.name == section
        )
        if rule.each is not None:
            env[rule.variable] = self.evaluator.value(self._slice(rule.each.place), env)[traced.item or 0]
        for line in groups[section]:
            if line["line number"] == traced.line:
                env |= line

    # explaining

    def _value(self, path: str, value: Any, form: r.Value, env: Names, traced: Traced | None) -> Explanation:
        key = (path, env.get("line number"))
        if key in self.told:
            return Explanation(path, value, form.place, "", again=True)
        self.told.add(key)
        cases = tuple(self._cases(form, env))
        inputs = tuple(self._inputs(form, env, traced))
        rounded = tuple(self._roundings(form, env))
        return Explanation(path, value, form.place, self._text(form), cases, inputs, rounded=rounded)

    def _cases(self, form: r.Value, env: Names) -> Iterator[Alternative]:
        match form:
            case r.When():
                yield from self._when_cases(form, env)
            case r.Match():
                yield from self._match_cases(form, env)
            case r.Several(tests=tests):
                for test in tests:
                    yield Alternative(
                        self._slice(test.place), self._evaluate(test, env) is True, self._because(test, env)
                    )
            case r.Find():
                keys = ", ".join(_brief(self._evaluate(key, env)) for key in form.keys)
                entry = self._found(form, env)
                collection = self._slice(form.collection.place)
                why = f"found in {collection}" if entry is not None else f"not found in {collection}"
                yield Alternative(
                    f"{', '.join(self._slice(part.place) for part in form.by)} is {keys}",
                    entry is not None,
                    why,
                )
            case ex.Expr():
                yield from self._expression_cases(form, env)

    def _when_cases(self, form: r.When, env: Names) -> Iterator[Alternative]:
        applied = False
        for case in form.cases:
            text = f"if {self._slice(case.test.place)}"
            if applied:
                yield Alternative(text, False, "not reached")
                continue
            applied = self._evaluate(case.test, env) is True
            yield Alternative(text, applied, self._because(case.test, env))
        yield Alternative("otherwise", not applied, "" if not applied else "not reached")

    def _match_cases(self, form: r.Match, env: Names) -> Iterator[Alternative]:
        subject = self._evaluate(form.subject, env)
        applied = False
        for row in form.rows:
            words = (" and " if row.every else " or ").join(f"'{word}'" for word in row.words)
            text = f"{words} → {row.then}"
            if applied:
                yield Alternative(text, False, "not reached")
                continue
            applied = (all if row.every else any)(word in str(subject) for word in row.words)
            yield Alternative(text, applied, f"{'in' if applied else 'not in'} '{_brief(subject)}'")
        yield Alternative(f"otherwise → {form.otherwise}", not applied, "")

    def _roundings(self, form: r.Value, env: Names) -> Iterator[Rounded]:
        """Yield each rounding of an expression that changed its amount."""
        for part in self._reached(form, env) if isinstance(form, ex.Expr) else ():
            if isinstance(part, ex.Call) and part.name in _ROUNDING:
                exact, result = self._evaluate(part.args[0], env), self._evaluate(part, env)
                if isinstance(exact, Decimal) and result is not None and Decimal(result) != exact:
                    yield Rounded(self._slice(part.place), exact, Decimal(result))

    def _expression_cases(self, expr: ex.Expr, env: Names) -> Iterator[Alternative]:
        """Yield which side was taken at each `if … else` and each `or` of an expression."""
        for part in self._reached(expr, env):
            if isinstance(part, ex.Cond):
                holds = self._evaluate(part.test, env) is True
                taken = self._slice((part.then if holds else part.otherwise).place)
                yield Alternative(
                    f"if {self._slice(part.test.place)}", holds, f"{self._because(part.test, env)} → {taken}"
                )
            elif isinstance(part, ex.Fallback):
                for operand in part.operands[:-1]:
                    filled = self._evaluate(operand, env) not in (None, "")
                    yield Alternative(
                        self._slice(operand.place), filled, "filled" if filled else "absent or empty"
                    )
                    if filled:
                        break

    def _reached(self, expr: ex.Expr, env: Names) -> Iterator[ex.Expr]:
        """Yield an expression and those of its parts that were evaluated."""
        yield expr
        parts = list(ex.parts(expr))
        if isinstance(expr, ex.Cond):
            holds = self._evaluate(expr.test, env) is True
            parts = [expr.test, expr.then if holds else expr.otherwise]
        elif isinstance(expr, ex.Fallback):
            filled = (
                number for number, part in enumerate(parts) if self._evaluate(part, env) not in (None, "")
            )
            parts = parts[: next(filled, len(parts)) + 1]
        for part in parts:
            yield from self._reached(part, env)

    def _because(self, test: ex.Expr, env: Names) -> str:
        """Return the values that decided a test."""
        leaves = {self._slice(leaf.place): self._evaluate(leaf, env) for leaf in _leaves(test)}
        return ", ".join(f"{name} is {_brief(value)}" for name, value in leaves.items())

    def _found(self, form: r.Find, env: Names) -> Any:
        keys = [self._evaluate(key, env) for key in form.keys]
        for entry in self.evaluator.value(self._slice(form.collection.place), env):
            inner = {**env, form.variable: entry}
            if [self._evaluate(part, inner) for part in form.by] == keys:
                return entry
        return None

    def _inputs(self, form: r.Value, env: Names, traced: Traced | None) -> Iterator[Explanation]:
        seen = set()
        for leaf in self._used(form, env):
            text = self._slice(leaf.place)
            if text not in seen and not _is_local(leaf, form):
                seen.add(text)
                yield self._input(leaf, text, env, traced)

    def _used(self, form: r.Value, env: Names) -> Iterator[ex.Expr]:
        """Yield the leaves of what was evaluated: of a `when`, the case that applied."""
        if isinstance(form, r.When):
            for case in form.cases:
                if self._evaluate(case.test, env) is True:
                    yield from self._used(case.then, env)
                    return
            yield from self._used(form.otherwise, env)
        elif isinstance(form, ex.Cond):
            taken = form.then if self._evaluate(form.test, env) is True else form.otherwise
            yield from self._used(taken, env)
        elif isinstance(form, ex.Fallback):
            for operand in form.operands:
                yield from self._used(operand, env)
                if self._evaluate(operand, env) not in (None, ""):
                    return
        elif isinstance(form, r.Collect | r.Find):
            yield from (
                leaf for key in (form.keys if isinstance(form, r.Find) else ()) for leaf in _leaves(key)
            )
        else:
            for expr in in_value(form):
                yield from _leaves(expr)

    def _input(self, leaf: ex.Expr, text: str, env: Names, traced: Traced | None) -> Explanation:
        root = _root(leaf)
        value = self._evaluate(leaf, env)
        rest = text.split(".")[1:]
        if root == "document" and rest:
            inner = self._document(rest[:2])
            if inner is not None:
                return inner
        if root == "line" and rest and env.get("line number"):
            inner = self._traced_explanation(self._find(rest[0], env["line number"]))
            if inner is not None:
                return inner
        line = traced.line if traced is not None else None
        own = self._find(root, line) if line is not None and root in env else None
        found = own if own is not None else self._find(root, None)
        if (
            found is not None
            and rest
            and isinstance(alias := self.entries[found.path, found.place].value, ex.Field)
        ):
            return Explanation(f"{self._slice(alias.place)}.{'.'.join(rest)}", value, None, "")
        if found is not None and found is not traced:
            inner = self._traced_explanation(found)
            if inner is not None:
                return inner if not rest else Explanation(text, value, None, "", inputs=(inner,))
        return Explanation(self._payload_path(text, traced), value, None, "")

    def _payload_path(self, text: str, traced: Traced | None) -> str:
        """Name a value of the payload from its root: `row.tax` of the first line is `order.rows[0].tax`."""
        root, _, rest = text.partition(".")
        if traced is not None and traced.line is not None:
            section = traced.path.partition(".")[0]
            for step in self.source.steps:
                if (
                    isinstance(step, r.LineRule)
                    and step.name == section
                    and step.variable == root
                    and step.each
                ):
                    return f"{self._slice(step.each.place)}[{traced.item}].{rest}"
        return text

    def _evaluate(self, expr: ex.Expr, env: Names) -> Any:
        try:
            return self.evaluator.value(self._slice(expr.place), env, lenient=True)
        except (Absent, RuleFault, LookupError, TypeError, ValueError, ArithmeticError, AttributeError):
            return None

    def _slice(self, place: Place) -> str:
        if place in self.written:
            return self.written[place]
        line = self.lines[place.file][place.line - 1]
        return line[place.column - 1 : place.column - 1 + place.length]

    def _text(self, form: r.Value) -> str:
        match form:
            case r.When():
                return "when"
            case r.Match(subject=subject):
                return f"match {self._slice(subject.place)}"
            case r.Find(collection=collection):
                return f"find in {self._slice(collection.place)}"
            case r.Collect(collection=collection):
                return f"collect from {self._slice(collection.place)}"
            case r.Fields():
                return "fields"
            case r.Several(every=every):
                return "all of" if every else "any of"
            case r.Placeholder(name=name):
                return f"known after the call before: {name}"
            case _:
                return self._slice(form.place)


def _leaves(expr: ex.Expr) -> Iterator[ex.Expr]:
    """Yield the names and fields an expression reads, each as far as it is written."""
    if isinstance(expr, ex.Name | ex.Field):
        yield expr
        return
    for part in ex.parts(expr):
        yield from _leaves(part)


def _root(expr: ex.Expr) -> str:
    while isinstance(expr, ex.Field):
        expr = expr.base
    return expr.name if isinstance(expr, ex.Name) else ""


def _is_local(leaf: ex.Expr, form: r.Value) -> bool:
    return isinstance(form, r.Find | r.Collect) and _root(leaf) == form.variable


def _path_of(traced: Traced) -> str:
    name = traced.path.partition(".")[2]
    return name if traced.line is None else f"lines.{traced.line}.{name}"


def _brief(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_brief(inner)}" for name, inner in list(value.items())[:4]) + " …}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_brief(inner) for inner in value[:5]) + (" …]" if len(value) > 5 else "]")
    if value is None:
        return "none"
    if isinstance(value, Decimal):
        return money.decimal_text(value, 10)
    return shown(value) if value != "" else "''"
