"""docs/first-rule-change.md is followed to the letter: its commands run, its edits are made, its output appears."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from mapper.authoring.cases import read_cases
from mapper.authoring.trial import places, run_case
from mapper.mapping import load_rulebooks

ROOT = Path(__file__).parents[1]
PATH = ROOT / "docs" / "first-rule-change.md"
PAGE = PATH.read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")

STEP = re.compile(r"```(sh|diff|yml|text)\n(.*?)```|`(my-rules/[\w/.-]+\.yaml)((?::\d+)*)`", re.DOTALL)


def as_said(shown: str, said: str) -> str:
    """Return what the page shows as it really was said: places and counts move with every change of the rules."""
    return "".join(f"{line_as_said(line, said.splitlines())}\n" for line in shown.splitlines())


def line_as_said(shown: str, said: list[str]) -> str:
    """Return the line that was said; one that the page ends with … is shown as far as it goes."""
    begin = shown.removesuffix("…")
    pattern = re.compile(r"\d+".join(map(re.escape, re.split(r"\d+", begin))))
    for line in said:
        found = pattern.match(line)
        if found is not None and shown.endswith("…"):
            return f"{found.group()}…"
        if found is not None and found.group() == line:
            return line
    pytest.fail(f"{shown!r} is not among\n" + "\n".join(said))


def test_the_page_is_followed_from_top_to_bottom(mapper, tmp_path, monkeypatch, pytestconfig):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "rules", "rules")
    file, said, ran, real, end = Path(), "", 0, "", 0
    for step in STEP.finditer(PAGE):
        kind, text, named, position = step.groups()
        whole = step.group()
        if named and position:
            (place,) = set(re.findall(rf"{re.escape(named)}:\d+:\d+(?=  match)", said))
            whole = f"`{place}`"
        elif named:
            file = Path(named)
        elif kind == "sh":
            said = run(mapper, text)
            ran += 1
        elif kind == "text":
            whole = f"```text\n{as_said(text, said)}```"
        elif kind == "diff":
            change(file, text)
        else:
            file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
        real, end = real + PAGE[end : step.start()] + whole, step.end()
    assert ran == PAGE.count("```sh\n") == 8
    assert "riverty" in Path("my-rules/ccv_order.yaml").read_text(encoding="utf-8")
    real += PAGE[end:]
    if pytestconfig.option.update_snapshots:
        PATH.write_text(real, encoding="utf-8")
    assert real == PATH.read_text(encoding="utf-8"), (
        "run: ./dev test tests/test_docs_first_rule.py --snapshot-update"
    )


def run(mapper, text: str) -> str:
    """Run one command of the page; `# fails` says that it does."""
    (line,) = text.splitlines()
    words = shlex.split(line, comments=True)
    if words[0] == "cp":
        shutil.copytree(words[2], words[3])
        return ""
    ran = mapper(*words[1:])
    assert (ran.code != 0) is line.endswith("# fails"), ran.out + ran.err
    return ran.out + ran.err


def change(file: Path, diff: str) -> None:
    """Replace the line that begins as the one with - by the one with +; what stands after it stays."""
    old, new = (line[1:] for line in diff.splitlines())
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_the_cases_in_the_reference_hold(tmp_path):
    rulebooks = load_rulebooks()
    examples = re.findall(r"```yml\n(- case:.*?)```", REFERENCE, re.DOTALL)
    assert examples
    for example in examples:
        path = tmp_path / "example.yaml"
        path.write_text(example, encoding="utf-8")
        cases = read_cases(rulebooks, [path])
        assert [problem.render() for problem in cases.problems] == []
        assert [line for case in cases.found for line in places(run_case(rulebooks, case).failures)] == []
