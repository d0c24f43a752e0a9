"""``docs/patterns.md`` is true: each pattern once, each supported one with a file and a test, no file left out."""

import ast
import re
from pathlib import Path

import pytest

from awe_app.engine.validate import validate
from awe_app.nodes.registry import discover
from tests.builders import read
from tests.patterns.observed import FOLDER, workflow
from tests.source_tree import ROOT

PAGE = ROOT / "docs" / "patterns.md"
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
FILES = sorted(path.stem for path in FOLDER.glob("*.json"))


def rows() -> dict[int, tuple[str, str]]:
    """Number → how it is supported, and the proof."""
    return {int(number): (how, proof) for number, _name, how, proof in ROW.findall(PAGE.read_text(encoding="utf-8"))}


def sources_by_number() -> dict[int, str]:
    """Number → the source of the tests of that pattern."""
    found: dict[int, str] = {}
    for path in FOLDER.glob("test_*.py"):
        source = path.read_text(encoding="utf-8")
        for function in ast.walk(ast.parse(source)):
            if isinstance(function, ast.AsyncFunctionDef) and (match := re.match(r"test_wcp_(\d\d)_", function.name)):
                number = int(match[1])
                found[number] = found.get(number, "") + (ast.get_source_segment(source, function) or "")
    return found


def test_every_pattern_stands_there_once_and_in_order() -> None:
    assert [int(match[0]) for match in ROW.findall(PAGE.read_text(encoding="utf-8"))] == list(range(1, 44))


def test_what_is_supported_has_a_file_and_a_test_that_runs_it() -> None:
    tests = sources_by_number()
    for number, (how, proof) in rows().items():
        linked = re.findall(r"\]\(\.\./tests/patterns/(wcp_\d\d_\w+)\.json\)", proof)
        if how.startswith("no"):
            assert (linked, number in tests) == ([], False), number
            continue
        assert linked, number
        for name in linked:
            assert name.startswith(f"wcp_{number:02}_"), number
            assert f'"{name}"' in tests[number], number


def test_no_file_is_left_out() -> None:
    proofs = " ".join(proof for _how, proof in rows().values())
    assert [name for name in FILES if f"/{name}.json)" not in proofs] == []


def test_the_count_on_the_page_is_right() -> None:
    supported = sum(not how.startswith("no") for how, _proof in rows().values())
    assert f"**{supported} of 43**" in PAGE.read_text(encoding="utf-8")
    assert supported >= 36


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_a_workflow_without_a_finding(name: str) -> None:
    raw = workflow(name)
    assert validate(read(raw), discover()) == []
    assert raw["name"].startswith(f"WCP-{int(name[4:6])} ")
    assert Path(f"{name}.json").name == f"{name}.json"
