"""The examples in deploy/ are what systemd, Compose and the mapper itself accept."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from mapper.cli.program import program

DEPLOY = Path(__file__).parent.parent / "deploy"
UNIT = (DEPLOY / "mapper.service").read_text()

TEXTS = {"type": "array", "items": {"type": "string"}}
DURATION = {"type": "string", "pattern": "^[0-9]+(s|m)$"}
CONDITIONS = ["service_started", "service_healthy", "service_completed_successfully"]
# The part of the Compose specification that is used: an unknown key is a mistake.
COMPOSE = {
    "type": "object",
    "additionalProperties": False,
    "patternProperties": {"^x-": {}},
    "required": ["services"],
    "properties": {
        "name": {"type": "string"},
        "volumes": {"additionalProperties": {"type": "object"}},
        "services": {
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["image"],
                "properties": {
                    "image": {"type": "string"},
                    "build": {
                        "additionalProperties": False,
                        "properties": {"context": {"type": "string"}, "dockerfile": {"type": "string"}},
                    },
                    "command": TEXTS,
                    "environment": {"type": "object", "additionalProperties": {"type": "string"}},
                    "depends_on": {
                        "additionalProperties": {
                            "required": ["condition"],
                            "properties": {"condition": {"enum": CONDITIONS}},
                        }
                    },
                    "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
                    "stop_grace_period": DURATION,
                    "read_only": {"type": "boolean"},
                    "tmpfs": TEXTS,
                    "cap_drop": TEXTS,
                    "security_opt": TEXTS,
                    "ports": TEXTS,
                    "volumes": TEXTS,
                    "healthcheck": {
                        "additionalProperties": False,
                        "required": ["test"],
                        "properties": {
                            "test": TEXTS,
                            "interval": DURATION,
                            "timeout": DURATION,
                            "retries": {"type": "integer"},
                        },
                    },
                },
            }
        },
    },
}


def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def parsed(words: list[str]) -> dict[str, object]:
    """What the mapper's own command line makes of a command; it raises for an option that there is not."""
    context = program.make_context("mapper", ["init"])
    command = program.get_command(context, words[0])
    assert command is not None, words
    return command.make_context(words[0], words[1:], parent=context).params


def test_the_unit_starts_a_command_that_exists():
    (start,) = re.findall(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)
    binary, *words = shlex.split(start)
    assert binary == "/opt/mapper/bin/mapper"
    assert parsed(words)["port"] == 8080


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_accepts_the_unit_and_finds_it_hardened(tmp_path):
    unit = tmp_path / "mapper.service"
    # What is not installed here would be complained about.
    unit.write_text(UNIT.replace("/opt/mapper/bin/mapper", sys.executable).replace("=mapper\n", "=root\n"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", DEPLOY / "mapper.service"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout


def test_the_compose_file_has_only_keys_that_compose_knows_and_names_only_what_is_there():
    file = compose()
    jsonschema.validate(file, COMPOSE)
    services = file["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        named = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        here = {name for name in named if name.startswith("./")}
        assert named - here <= set(file["volumes"])
        assert all((DEPLOY / name).is_file() for name in here)
    for build in (service["build"] for service in services.values() if "build" in service):
        assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_the_commands_of_the_compose_file_exist_and_only_the_proxy_is_reached_from_outside():
    services = compose()["services"]
    assert parsed(services["web"]["command"])["only"] == "web"
    assert parsed(services["worker"]["command"])["only"] == "worker"
    assert parsed(services["prepare"]["command"])
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]


def test_everything_the_image_copies_exists():
    for line in re.findall(r"^COPY (.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE):
        *sources, _ = line.split()
        assert all((DEPLOY.parent / source).exists() for source in sources), line


@pytest.mark.parametrize(
    ("file", "passed"),
    [
        ("Caddyfile", "handle /webhooks/* {"),
        ("Caddyfile", "handle /app/* {"),
        ("nginx.conf", "location /webhooks/ {"),
        ("nginx.conf", "location /app/ {"),
    ],
)
def test_the_proxies_pass_on_webhooks_and_the_apps_pages_and_nothing_else(file, passed):
    text = re.sub(r"#.*", "", (DEPLOY / file).read_text())
    assert text.count("{") == text.count("}")
    assert passed in text
    assert re.findall(r"(?:reverse_proxy|proxy_pass)\s", text.partition(passed)[2].partition("\n    }\n")[0])
    assert len(re.findall(r"reverse_proxy|proxy_pass", text)) == 2
    assert "404" in text
