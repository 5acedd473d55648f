"""What `pip install .` gives in another environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The built wheel, unpacked where nothing of the repository is on the path."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    return folder / "site"


def run(
    installed: Path, tmp_path: Path, *arguments: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    # Without site-packages' .pth files the editable install of this repository is not found.
    program = f"import sys; sys.path[:0] = [{str(installed)!r}]; from mapper.cli import main; main()"
    packages = [path for path in sys.path if path.endswith("site-packages")]
    return subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path += {packages!r}; {program}", *arguments],
        input=given,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "MAPPER_HOME": str(tmp_path / "home")},
        check=False,
    )


@pytest.mark.slow
def test_the_wheel_holds_packages_rules_schemas_and_licence(installed):
    assert sorted(path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")) == [
        "mapper",
        "tui",
    ]
    rules = {path.name for path in (ROOT / "rules").rglob("*") if path.is_file()}
    assert {path.name for path in (installed / "mapper" / "_rules").rglob("*") if path.is_file()} == rules
    assert list(installed.glob("mapper/rulebook/*.schema.json"))
    assert list(installed.glob("*.dist-info/licenses/LICENSE"))


@pytest.mark.slow
def test_an_installed_mapper_finds_its_rules(installed, tmp_path, sandbox):
    order = sandbox.sell("nl_ideal")[0]
    ran = run(installed, tmp_path, "map", "--kind", "order", "-", given=json.dumps(order, default=float))
    assert ran.returncode == 0, ran.stderr
    mapped = json.loads(ran.stdout)
    assert mapped["document"]["number"] == order["ordernumber_full"]
    assert [request["controller"] for request in mapped["requests"]] == ["debtor", "invoice"]
