"""The two ends of the canvas agree: what Python declares and what the JavaScript beside it says."""

import re
from pathlib import Path
from typing import Any

import pytest

from awe_app.domain.edits import Edit, read_edit
from awe_app.domain.errors import Invalid
from awe_app.nodes.registry import discover
from awe_app.tools.registry import discover_tools
from awe_app.ui.canvas import canvas as parts
from awe_app.ui.canvas.choices import Choices
from awe_app.ui.canvas.envelopes import COMMANDS, EDITS_FROM_THE_BROWSER, Document, Saved
from tests.source_tree import ROOT

FOLDER = ROOT / "awe_app" / "ui" / "canvas"
FILES = sorted(path for path in FOLDER.iterdir() if path.suffix in (".js", ".jsx", ".css"))
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in FILES}
ALL = "\n".join(SCRIPTS.values())
PYTHON = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "awe_app" / "ui").rglob("*.py")))


def test_every_file_of_the_builder_is_handed_to_the_build():
    assert set(parts._FILES) == set(SCRIPTS)


def test_files_import_only_files_that_are_there():
    imported = set(re.findall(r'(?:from|import) "\./([\w.]+)"', ALL))
    assert imported <= set(SCRIPTS)


def test_packages_are_imported_from_those_that_are_pinned():
    packages = set(re.findall(r'(?:from|import|import\() ?"(@?[\w-]+(?:/[\w-]+)?)', ALL))
    pinned = {name.rpartition("@")[0] for name in (parts.REACT_FLOW, parts.DAGRE, parts.LUCIDE_LIBRARY)}
    assert {p for p in packages if not p.startswith("react")} <= pinned | {"lucide-react/dist"}


def test_the_canvas_takes_exactly_the_props_that_python_declares():
    signature = re.search(r"export function WorkflowCanvas\(\{(.*?)\}\)", SCRIPTS["canvas.jsx"], re.DOTALL)
    assert signature is not None
    taken = {name.split(":")[0].strip() for name in signature[1].split(",") if name.strip()}
    declared = {
        _camel(name) for name in parts.WorkflowCanvas.get_fields() if name in parts.WorkflowCanvas.__annotations__
    }
    assert taken == declared


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def test_a_misspelt_prop_of_the_canvas_is_refused():
    with pytest.raises(TypeError, match="statusess"):
        parts.workflow_canvas(statusess={})


def test_every_edit_the_browser_sends_is_one_that_python_reads():
    sent = set(re.findall(r'op: "(\w+)"', ALL))
    assert sent == set(EDITS_FROM_THE_BROWSER)
    for op in EDITS_FROM_THE_BROWSER:
        with pytest.raises(Invalid, match=rf"{op}\.|Field required|MALFORMED"):
            read_edit({"op": op, "no_such_key": 1})
    known = {str(kind.model_fields["op"].default) for kind in Edit.__args__[0].__args__}  # type: ignore[attr-defined]
    assert set(EDITS_FROM_THE_BROWSER) <= known


def test_every_edit_is_applied_in_the_browser_as_well():
    applied = set(re.findall(r'case "(\w+)"', SCRIPTS["document.js"]))
    assert applied == set(EDITS_FROM_THE_BROWSER)


def test_every_command_the_browser_sends_is_declared():
    sent = set(re.findall(r'command\("(\w+)"\)', ALL)) | set(re.findall(r'command: "(\w+)"', ALL))
    assert sent == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(Document.__annotations__))
def test_the_browser_reads_every_part_of_the_document(name: str):
    assert re.search(rf"\b{name}\b", SCRIPTS["store.js"])


@pytest.mark.parametrize("name", sorted(Saved.__annotations__))
def test_the_browser_reads_every_part_of_what_is_saved(name: str):
    assert re.search(rf"\bsaved\.{name}\b", ALL)


@pytest.mark.parametrize(
    "hook",
    [
        'data-testid="canvas"',
        "data-testid={`node-${id}`}",
        "data-status={status}",
        "data-testid={`edge-${id}`}",
        "data-state={state}",
        "data-testid={`handle-${id}-${port.name}`}",
        "data-testid={`palette-${card.type}`}",
        'data-testid="palette-search"',
        'data-testid="inspector"',
        'prefix = "field-"',
        "data-testid={`${testid}-add`}",
        "prefix={`${testid}-${i}-`}",
        'data-testid="run"',
        'data-testid="stop"',
        'data-testid="save-state"',
        'data-saved={saved ? "true" : "false"}',
        'testid="undo"',
        'testid="redo"',
        'testid="tidy"',
        "data-testid={`issue-${id}`}",
        'script.dataset.testid = "workflow-json"',
        'script.type = "application/json"',
    ],
)
def test_the_hooks_of_the_contract_stand_in_the_browsers_part(hook: str):
    assert hook in ALL


@pytest.mark.parametrize(
    "hook", ['"run-submit"', 'f"run-input-{field.name}"', '"console"', '"console-log"', '"console-result"']
)
def test_the_hooks_of_the_contract_stand_in_the_pages_part(hook: str):
    assert hook in PYTHON


def test_every_widget_that_is_declared_has_a_control():
    controls = set(re.findall(r'case "(\w+)": return', SCRIPTS["fields.jsx"])) | {"text", "hidden"}
    lists = re.search(r"const LISTS = \{(.*?)\}", SCRIPTS["choices.jsx"])
    assert lists is not None
    for one, several in re.findall(r'(\w+): "(\w+)"', lists[1]):
        controls |= {one, several}
    forms = [card["fields"] for card in [*parts.type_cards(discover()), *parts.tool_cards()]]
    assert {field["widget"] for fields in forms for field in _with_columns(fields)} <= controls


def _with_columns(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*fields, *(column for field in fields for column in _with_columns(field.get("columns", [])))]


def test_the_tool_picker_gets_every_tool_with_the_form_of_its_settings():
    tools = {tool["name"]: tool for tool in parts.tool_cards()}
    assert set(tools) == set(discover_tools())
    assert tools["workflow"]["fields"][0]["widget"] == "workflow"
    assert tools["calculator"]["fields"] == []


@pytest.mark.parametrize("name", sorted(Choices.__annotations__))
def test_a_picker_shows_every_list_of_choices(name: str):
    assert f'"{name}"' in SCRIPTS["choices.jsx"]


def test_the_palette_gets_a_card_and_a_form_for_every_type():
    cards = {card["type"]: card for card in parts.type_cards(discover())}
    assert set(cards) == set(discover())
    assert all(
        {"title", "icon", "category", "fields", "inputs", "outputs", "runs"} <= card.keys() for card in cards.values()
    )


def test_just_the_icons_that_the_types_name_are_imported():
    icons = parts.type_icons(discover())
    data = icons._get_all_var_data()
    assert data is not None
    named = {node_type.icon for node_type in discover().values()}
    assert set(re.findall(r'"([\w-]+)": AweType', str(icons))) == named
    imports = [one for library, members in data.imports for one in members if library == parts.LUCIDE_LIBRARY]
    assert len({one.package_path for one in imports}) == len(named)


def test_no_script_is_too_long_to_read():
    assert not [path.name for path in FILES if path.suffix != ".css" and _lines(path) > 250]


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())
