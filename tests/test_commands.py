"""The command line as people call it, in a process of its own; and the commands of the Makefile."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from awe_app import build
from awe_app.cli.node_pages import PAGE, nodes_page
from awe_app.serve import PortTaken, wait_for_port
from tests.source_tree import ROOT

TEMPLATES = sorted((ROOT / "awe_app" / "templates").glob("*.json"))

GREETING: dict[str, Any] = {
    "name": "Greeting",
    "nodes": [
        {
            "id": "start",
            "type": "input",
            "input_config": {
                "fields": [
                    {"name": "who", "type": "text", "required": True},
                    {"name": "times", "type": "integer", "default": 1},
                ]
            },
        },
        {"id": "greet", "type": "template", "template_config": {"template": "Hello {{ inputs.who }}!"}},
        {
            "id": "often",
            "type": "condition",
            "condition_config": {"field": "{{ inputs.times }}", "operator": "is_true"},
        },
        {"id": "result", "type": "output", "output_config": {"value": "{{ nodes.greet.output }}"}},
    ],
    "edges": [
        {"id": "e1", "source": "start", "target": "greet"},
        {"id": "e2", "source": "greet", "target": "often"},
        {"id": "e3", "source": "often", "source_handle": "true", "target": "result"},
    ],
}


def awe(*arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
    """``python -m awe_app`` with these arguments."""
    command = [sys.executable, "-m", "awe_app", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, input=given, capture_output=True, text=True, check=False)


@pytest.fixture
def greeting(tmp_path: Path) -> Path:
    path = tmp_path / "greeting.json"
    path.write_text(json.dumps(GREETING))
    return path


def test_run_prints_the_result_and_nothing_else(greeting: Path):
    done = awe("run", greeting, "--input", "who=Ada", "times=2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello Ada!\n", "")


def test_the_file_may_stand_after_the_inputs(greeting: Path):
    assert awe("run", "--input", "who=Ada", greeting).stdout == "Hello Ada!\n"


def test_an_input_is_json_where_it_parses_and_text_otherwise(greeting: Path):
    done = awe("run", greeting, "--json", "--input", "who=a=b, c", "times=3")
    execution = json.loads(done.stdout)
    assert execution["status"] == "completed"
    assert execution["node_states"]["start"]["output"] == {"who": "a=b, c", "times": 3}
    assert execution["result"] == "Hello a=b, c!"


def test_a_file_may_come_from_standard_input():
    assert awe("run", "-", "--input", "who=Ada", given=json.dumps(GREETING)).stdout == "Hello Ada!\n"


def test_a_run_that_fails_exits_with_1_and_says_where(greeting: Path):
    workflow = json.loads(greeting.read_text())
    workflow["nodes"][1]["template_config"]["template"] = "{{ abs(inputs.who) }}"
    greeting.write_text(json.dumps(workflow))
    done = awe("run", greeting, "--input", "who=Ada")
    assert (done.returncode, done.stdout) == (1, "")
    assert "EXPRESSION_ERROR" in done.stderr
    assert "greet" in done.stderr


def test_a_missing_input_exits_with_1_and_names_it(greeting: Path):
    done = awe("run", greeting)
    assert done.returncode == 1
    assert "who" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_input_without_a_name_is_refused(greeting: Path):
    done = awe("run", greeting, "--input", "=1")
    assert (done.returncode, done.stderr) == (2, "awe: --input =1: write name=value\n")


def test_validate_is_silent_about_a_good_file(greeting: Path):
    done = awe("validate", greeting)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_validate_prints_a_line_for_each_issue(greeting: Path):
    workflow = json.loads(greeting.read_text())
    workflow["edges"].append({"id": "e4", "source": "greet", "target": "nobody"})
    greeting.write_text(json.dumps(workflow))
    done = awe("validate", greeting)
    severity, code, node_id, message = done.stdout.split("\n")[0].split(" ", 3)
    assert (done.returncode, severity, node_id) == (1, "error", "greet")
    assert code.isupper()
    assert "nobody" in message


@pytest.mark.parametrize("command", ["run", "validate"])
def test_a_file_that_is_not_there_is_one_clear_line(command: str, tmp_path: Path):
    done = awe(command, tmp_path / "absent.json")
    assert (done.returncode, done.stderr) == (2, f"awe: {tmp_path}/absent.json: No such file or directory\n")


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"a": NaN}', '{"name": 1, "name": 2}', "[" * 100_000, "\ud800".encode("utf-8", "replace").decode()],
)
def test_what_is_not_json_is_one_clear_line(text: str, tmp_path: Path):
    path = tmp_path / "bad.json"
    path.write_text(text)
    done = awe("validate", path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"awe: {path}: ")
    assert done.stderr.count("\n") == 1


def test_running_a_file_needs_neither_reflex_nor_a_database(greeting: Path):
    code = (
        "import sys; from awe_app.__main__ import main;"
        f"code = main(['run', {str(greeting)!r}, '--input', 'who=Ada']);"
        "heavy = {'reflex', 'sqlalchemy', 'litellm', 'fastapi'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_every_template_is_a_valid_workflow_file(template: Path):
    workflow = json.loads(template.read_text())["workflow"]
    done = awe("validate", "-", given=json.dumps(workflow))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_page_of_node_types_is_current():
    assert PAGE.read_text(encoding="utf-8") == nodes_page(), "run: python -m awe_app docs"


def test_the_build_key_follows_what_pages_are_made_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for file in (
        "awe_app/ui/page.py",
        "awe_app/api/app.py",
        "assets/logo.svg",
        "rxconfig.py",
        "reflex.lock/package.json",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("1")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    before = build.key()
    (tmp_path / "awe_app/api/app.py").write_text("2")
    (tmp_path / "assets/external").mkdir()
    (tmp_path / "assets/external/made.js").write_text("made by Reflex")
    assert build.key() == before
    for file in ("awe_app/ui/page.py", "assets/logo.svg", "rxconfig.py", "reflex.lock/package.json"):
        (tmp_path / file).write_text("2")
        assert build.key() != before
        before = build.key()


def test_a_taken_port_is_named_with_what_to_do():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is taken .* make run PORT={port + 1}"):
            wait_for_port("127.0.0.1", port, timeout_s=0)


def test_serve_refuses_settings_that_make_no_sense_in_one_line_each():
    environment = {**os.environ, "LOG_LEVEL": "LOUD", "PORT": "0"}
    command = [sys.executable, "-m", "awe_app", "serve"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert sorted(line.split(":")[1].strip() for line in done.stderr.splitlines()) == ["LOG_LEVEL", "PORT"]


def test_make_lists_its_commands():
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    for command in ("run", "test", "dev", "check", "bench", "worker", "lock", "shots", "clean"):
        assert f"\n{command} " in f"\n{done.stdout}"


def test_a_sub_workflow_is_the_file_beside_the_one_that_runs(greeting: Path):
    calling = {
        "name": "Calling",
        "nodes": [
            {
                "id": "call",
                "type": "subworkflow",
                "subworkflow_config": {"workflow_id": "greeting", "inputs": {"who": "Ann"}},
            },
            {"id": "end", "type": "output", "output_config": {"value": "{{ nodes.call.output }}"}},
        ],
        "edges": [{"id": "e", "source": "call", "target": "end"}],
    }
    parent = greeting.with_name("calling.json")
    parent.write_text(json.dumps(calling))
    done = awe("run", parent)
    assert (done.stdout, done.returncode) == ("Hello Ann!\n", 0), done.stderr
    calling["nodes"][0]["subworkflow_config"]["workflow_id"] = "../secret"  # type: ignore[index]
    parent.write_text(json.dumps(calling))
    done = awe("run", parent)
    assert done.returncode == 1
    assert "WORKFLOW_NOT_FOUND" in done.stderr
    calling["nodes"][0]["subworkflow_config"]["workflow_id"] = "calling"  # type: ignore[index]
    parent.write_text(json.dumps(calling))
    done = awe("run", parent)
    assert done.returncode == 1
    assert "TOO_DEEP" in done.stderr
