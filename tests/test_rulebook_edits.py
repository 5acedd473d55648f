"""Rules after an edit, of which only the edited part is read and compiled anew, are as those that are read whole."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mapper import mapping, money, settings
from mapper.errors import RuleError

FIXTURES = Path(__file__).parent / "fixtures"
ORDERS = ("order-nl-ideal", "order-discount", "order-icp-de")
EDITED = ("ccv_order.yaml", "ccv_order.yaml", "wefact.yaml", "ccv_invoice.yaml")


def edited(text: str, chance: random.Random) -> str:
    """Return a text with one more change as authors make them; not all of them leave rules that load."""
    lines = text.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    match chance.randrange(6):
        case 0:
            lines.insert(at, "\n" if chance.random() < 0.5 else "# why\n")
        case 1:
            del lines[at]
        case 2:
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            words = [number for number, line in enumerate(lines) if "{text: " in line]
            at = chance.choice(words or [at])
            lines[at] = lines[at].replace("{text: ", "{text: New ")
        case 4:
            lines[at] = lines[at].replace("0", "1").replace("true", "false").replace("order.", "order.x", 1)
        case 5:
            lines.insert(at, lines[at])
    return "".join(lines)


def told(folder: Path, payloads: list[dict[str, object]]) -> list[str]:
    """Return all that can be seen of the rules of a folder: their problems, or documents with their traces."""
    try:
        rulebooks = mapping.load_rulebooks(folder)
    except RuleError as error:
        return [str(error).replace(str(folder), "rules")]
    bound, soon = (rulebooks.bind(settings.example(), soon=soon) for soon in (False, True))
    seen = []
    for payload in payloads:
        mapped = bound.apply("order", payload)
        values = [
            (one.path, str(one.place), one.value, one.case, one.line, one.item) for one in mapped.trace.values
        ]
        seen.append(f"{money.dumps(mapping.mapped_json(mapped))} {values}".replace(str(folder), "rules"))
        if mapped.document is not None:
            assert soon.run("order", payload) == bound.run("order", payload)
            document, _, requests, _ = bound.run("order", payload)
            assert document == mapped.document
            assert [one[1] for one in requests] == [one.params for one in mapped.requests]
    return seen


@pytest.mark.parametrize("seed", range(2))
def test_rules_after_many_edits_are_as_rules_that_are_read_for_the_first_time(seed, tmp_path):
    chance = random.Random(seed)
    payloads = [money.loads((FIXTURES / f"{name}.json").read_bytes()) for name in ORDERS]
    texts = dict(mapping.load_rulebooks().texts)
    loaded = 0
    for number in range(8):
        name = chance.choice(EDITED)
        changed = {**texts, name: edited(texts[name], chance)}
        here, elsewhere = tmp_path / "edited", tmp_path / f"new-{number}"
        for folder in (here, elsewhere):
            folder.mkdir(exist_ok=True)
            for file, text in changed.items():
                (folder / file).write_text(text)
        after = told(here, payloads)
        assert after == told(elsewhere, payloads), (number, name)
        if len(after) == len(payloads) and chance.random() < 0.7:
            texts, loaded = changed, loaded + 1
    assert loaded > 0
