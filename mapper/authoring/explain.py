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

from mapper.authoring.explanation import Alternative, Explanation, Rounded, brief
from mapper.diagnostics import Place, printable
from mapper.errors import UsageError
from mapper.mapping import Mapped, Rulebooks, Traced, payload_schema
from mapper.rulebook import rules as r
from mapper.rulebook import tree as ex
from mapper.rulebook.emitter import LINE
from mapper.rulebook.functions import RuleFault
from mapper.rulebook.origins import path_of, stands_for
from mapper.rulebook.reference import Absent, Evaluator, typed
from mapper.rulebook.rules import in_value
from mapper.rulebook.source import Source

Names = dict[str, Any]

MOST = 20
"""Of how many lines, or items of a list, a value's explanation goes into."""
_FAULTS = frozenset({"MAP201", "MAP202", "MAP203", "MAP204", "MAP208"})
_ROUNDING = frozenset({"round_half_up", "decimal_text"})
# Among the names of a rule: the line it is for, and what its loops go through. No name has a space.
_NUMBER, _ITEMS = "line number", "loop items"


@dataclass(frozen=True, slots=True)
class Item:
    """What a loop's name stands for: an item, by its number from 0, of a list that an expression gives."""

    each: ex.Expr
    number: int
    record: Any


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
        self.wanted = ""

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
        if found is None and (stop := self.stopped()) is not None and self._is_ruled(names):
            return stop
        if found is None:
            close = difflib.get_close_matches(path, self.paths(), 3)
            raise UsageError(
                "USE120", path=printable(path, 100), close=", ".join(close) or "document has no value like it"
            )
        return replace(found, path=path)

    def stopped(self) -> Explanation | None:
        """Explain what the document stopped at, with all that was known by then; None when it did not stop."""
        faults = [one for one in self.mapped.findings if one.id in _FAULTS]
        if not faults or not self.mapped.trace.records:
            return None
        place, (compiled, records) = faults[-1].place, self.mapped.trace.records[-1]
        lines = [(number, item) for mark, number, item in records if mark == LINE]
        step = compiled.rules.steps[lines[-1][0]] if lines else None
        line = len(lines) + sum(
            mark == LINE for one, made in self.mapped.trace.records[:-1] for mark, _, _ in made
        )
        entries = [
            entry for entry in compiled.entries if place is not None and _stands_in(place, entry.value)
        ]
        own = [
            one for one in entries if isinstance(step, r.LineRule) and one.path.startswith(f"{step.name}.")
        ]
        if not entries:
            return None
        entry = (own or entries)[0]
        traced = Traced(entry.path, entry.place, None, -1, *((line, lines[-1][1]) if own else (None, None)))
        self.told.clear()
        names = self._names(compiled.rules, traced)
        return replace(self._value(_path_of(traced), None, entry.value, names, traced), stopped=True)

    def _is_ruled(self, names: Sequence[str]) -> bool:
        """Tell whether some rule gives a value of this name."""
        requests = {request.name for request in self.target.requests}
        return names[-1] in {entry.name for entry in self.entries.values()} or names[0] in requests

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
            env = _with(env, rule.variable, Item(rule.each, number, items[number]))
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
                number = int(name) - 1
                env = _with(env, form.variable, Item(form.collection, number, items[number]))
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
                if not group or group[-1][_NUMBER] != one.line:
                    group.append({_NUMBER: one.line})
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
        lines = sorted((line for group in groups.values() for line in group), key=lambda line: line[_NUMBER])
        if traced is None:
            return lines
        if traced.line is not None:
            return [line for line in lines if line[_NUMBER] < traced.line]
        # What the document stopped at was not traced: everything stands above it.
        position = self.traced.index(traced) if traced in self.traced else len(self.traced)
        before = [one.line for one in self.traced[:position] if one.line is not None]
        return lines[: max(before, default=0)]

    def _add_line_names(self, env: Names, groups: Mapping[str, list[Names]], traced: Traced) -> None:
        section = traced.path.partition(".")[0]
        rule = next(
            step for step in self.source.steps if isinstance(step, r.LineRule) and step.name == section
        )
        if rule.each is not None:
            record = self.evaluator.value(self._slice(rule.each.place), env)[traced.item or 0]
            env |= _with(env, rule.variable, Item(rule.each, traced.item or 0, record))
        for line in groups.get(section, ()):
            if line[_NUMBER] == traced.line:
                env |= line

    # explaining

    def _value(self, path: str, value: Any, form: r.Value, env: Names, traced: Traced | None) -> Explanation:
        key = (path, env.get(_NUMBER))
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
                keys = ", ".join(brief(self._evaluate(key, env)) for key in form.keys)
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
            holds = self._evaluate(case.test, env)
            applied = holds is True
            yield Alternative(text, applied, self._because(case.test, env))
            if holds is None:
                return  # the document stopped at this condition
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
            yield Alternative(text, applied, f"{'in' if applied else 'not in'} '{brief(subject)}'")
        yield Alternative(f"otherwise → {form.otherwise}", not applied, "")

    def _roundings(self, form: r.Value, env: Names) -> Iterator[Rounded]:
        """Yield each rounding of an expression that changed its amount."""
        for part in self._reached(form, env) if isinstance(form, ex.Expr) else ():
            if isinstance(part, ex.Call) and part.name == "settle":
                yield from self._settled(part, env)
            elif isinstance(part, ex.Call) and part.name in _ROUNDING:
                exact, result = self._evaluate(part.args[0], env), self._evaluate(part, env)
                if isinstance(exact, Decimal) and result is not None and Decimal(result) != exact:
                    yield Rounded(self._slice(part.place), exact, Decimal(result))

    def _settled(self, call: ex.Call, env: Names) -> Iterator[Rounded]:
        """Yield what WeFact's arithmetic would leave of the total."""
        total, found = self._evaluate(call.args[1], env), self._evaluate(call, env)
        if found is not None and found["residual"]:
            yield Rounded("the total as WeFact rounds it", total - found["residual"], total)

    def _shares(self, item: Item, env: Names) -> Iterator[Rounded]:
        """Yield what became of an exact share when an amount was spread in cents."""
        for part in self._reached(item.each, env):
            if isinstance(part, ex.Call) and part.name == "spread":
                amount, keys, weights = (self._evaluate(arg, env) for arg in part.args)
                own = [one for key, one in zip(keys, weights, strict=True) if key == item.record["key"]]
                exact = amount * sum(own, Decimal(0)) / sum(weights, Decimal(0))
                if exact != item.record["amount"]:
                    text = f"share of {self._slice(part.args[0].place)}"
                    yield Rounded(text, exact, item.record["amount"])

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
        return ", ".join(f"{name} is {brief(value)}" for name, value in leaves.items())

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
        if isinstance(form, r.Collect):
            yield from self._collected(form, env, traced)

    def _collected(self, form: r.Collect, env: Names, traced: Traced | None) -> Iterator[Explanation]:
        """Yield what each item of a list gives is made from."""
        for number, record in enumerate((self._evaluate(form.collection, env) or ())[:MOST]):
            inner = _with(env, form.variable, Item(form.collection, number, record))
            if form.where is None or self._evaluate(form.where, inner) is True:
                for leaf in self._used(form.give, inner):
                    if _root(leaf) == form.variable:
                        yield self._input(leaf, self._slice(leaf.place), inner, traced)

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
        root, *rest = text.split(".")
        value = self._evaluate(leaf, env)
        item = env.get(_ITEMS, {}).get(root)
        if item is not None:
            return self._of_item(item, text, value, env, traced)
        numbers, name = self._lines_read(leaf, env)
        if numbers:
            return self._of_lines(text, value, numbers, name or self.wanted)
        if root == "document" and rest:
            inner = self._document(rest[:2])
            if inner is not None:
                return inner
        line = traced.line if traced is not None else None
        own = self._find(root, line) if line is not None and root in env else None
        found = own if own is not None else self._find(root, None)
        if found is not None and rest and (alias := stands_for(self.entries[found.path, found.place].value)):
            return Explanation(".".join((self._slice(alias.place), *rest)), value, None, "")
        if found is not None and found is not traced:
            inner = self._traced_explanation(found)
            if inner is not None:
                return inner if not rest else Explanation(text, value, None, "", inputs=(inner,))
        return Explanation(text, value, None, "")

    def _of_item(self, item: Item, text: str, value: Any, env: Names, traced: Traced | None) -> Explanation:
        """Explain what was read of an item: a field of the payload, of a line, or of what a function made."""
        _, _, rest = text.partition(".")
        line = self._line_of(item.record)
        own = self._find(rest, line) if line is not None else None
        if own is not None and (inner := self._traced_explanation(own)) is not None:
            return inner
        each = self._slice(item.each.place)
        if isinstance(item.each, ex.Name | ex.Field) and _root(item.each) in self.given:
            return Explanation(f"{each}[{item.number}].{rest}", value, None, "")
        outer = {**env, _ITEMS: {name: one for name, one in env[_ITEMS].items() if one is not item}}
        wanted, self.wanted = self.wanted, rest
        inputs = tuple(self._inputs(item.each, outer, traced))
        self.wanted = wanted
        rule = f"number {item.number + 1} of {each}"
        rounded = tuple(self._shares(item, outer)) if rest == "amount" else ()
        return Explanation(text, value, item.each.place, rule, inputs=inputs, rounded=rounded)

    def _line_of(self, record: Any) -> int | None:
        """Return which line of the document an item is, or was made from without a change; None when it is none."""
        lines = (self.mapped.document or {}).get("lines", ())
        for number, line in enumerate(lines, start=1):
            if record is line or (isinstance(record, Mapping) and record.items() >= line.items()):
                return number
        return None

    def _lines_read(self, leaf: ex.Expr, env: Names) -> tuple[list[int], str]:
        """Return the numbers of the lines that a leaf reads, and the field of them: `rows.tax`, `document.lines`."""
        base, name = leaf, ""
        if isinstance(leaf, ex.Field) and leaf.base.type.kind == "list":
            base, name = leaf.base, leaf.name
        if isinstance(base, ex.Name):
            group = env.get(base.name)
            items = group if isinstance(group, list) else []
            return [one[_NUMBER] for one in items if isinstance(one, dict) and _NUMBER in one], name
        if self._slice(base.place) == "document.lines":
            return list(range(1, len((self.mapped.document or {"lines": ()})["lines"]) + 1)), name
        return [], name

    def _of_lines(self, text: str, value: Any, numbers: Sequence[int], name: str) -> Explanation:
        found = [self._find(name, number) for number in numbers[:MOST]]
        inputs = [told for one in found if (told := self._traced_explanation(one)) is not None]
        if len(numbers) > MOST:
            inputs.append(Explanation(f"{len(numbers) - MOST} more lines", None, None, ""))
        return Explanation(text, value, None, "", inputs=tuple(inputs))

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
    return path_of(expr)[0]


def _with(env: Names, variable: str, item: Item) -> Names:
    """Return names with that of a loop."""
    return {**env, variable: item.record, _ITEMS: {**env.get(_ITEMS, {}), variable: item}}


def _stands_in(place: Place, value: r.Value) -> bool:
    """Tell whether a place is that of a part of a value."""
    spot = (place.file, place.line, place.column)
    parts = (part.place for expr in in_value(value) for part in ex.walk(expr))
    return any((one.file, one.line, one.column) == spot for one in parts)


def _is_local(leaf: ex.Expr, form: r.Value) -> bool:
    return isinstance(form, r.Find | r.Collect) and _root(leaf) == form.variable


def _path_of(traced: Traced) -> str:
    name = traced.path.partition(".")[2]
    return name if traced.line is None else f"lines.{traced.line}.{name}"
