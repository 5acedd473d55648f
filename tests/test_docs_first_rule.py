"""docs/first-rule-change.md is followed to the letter: its commands run, its edits are made, its output appears."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from mapper.authoring.cases import read_cases
from mapper.authoring.trial import places, run_case
from mapper.mapping import load_rulebooks

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "first-rule-change.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")

STEP = re.compile(r"```(sh|diff|yml|text)\n(.*?)```|`(my-rules/[\w/.-]+\.yaml)`", re.DOTALL)


def numbers_aside(text: str) -> str:
    """Places and counts move with every change of the rules; what the page says about them need not."""
    return re.sub(r"\d+", "0", text)


def test_the_page_is_followed_from_top_to_bottom(mapper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "rules", "rules")
    file, said, ran = Path(), "", 0
    for kind, text, named in STEP.findall(PAGE):
        if named:
            file = Path(named)
        elif kind == "sh":
            said = run(mapper, text)
            ran += 1
        elif kind == "text":
            for line in text.splitlines():
                assert numbers_aside(line) in numbers_aside(said), said
        elif kind == "diff":
            change(file, text)
        else:
            file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
    assert ran == PAGE.count("```sh\n") == 8
    assert "riverty" in Path("my-rules/ccv_order.yaml").read_text(encoding="utf-8")


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
