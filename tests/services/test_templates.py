"""The built-in templates are valid, laid out, and run with the model that comes with AWE."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import awe_app
from awe_app.adapters.local_model import LOCAL_MODEL_INFO, LocalModel
from awe_app.domain.errors import NotFound
from awe_app.domain.models import ModelInfo
from awe_app.domain.pages import PageQuery
from awe_app.domain.protocols import Capabilities
from awe_app.engine.validate import validate
from awe_app.nodes.registry import discover
from awe_app.services.local_run import run_once
from awe_app.services.templates import Template, Templates, read_templates

DIRECTORY = Path(awe_app.__file__).parent / "templates"
TEMPLATES = list(read_templates(DIRECTORY).values())
COLUMN_PX = 260

every_template = pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.id)


class OnlyLocal:
    """A model directory that holds the bundled model."""

    def __init__(self, model: LocalModel) -> None:
        self.model = model

    async def list(self, user_id: str | None) -> list[ModelInfo]:
        return [LOCAL_MODEL_INFO]

    async def find(self, user_id: str | None, provider: str | None, model: str | None) -> LocalModel:
        return self.model


@pytest.fixture
async def models() -> AsyncIterator[OnlyLocal]:
    model = LocalModel()
    yield OnlyLocal(model)
    await model.stop()


def default_inputs(template: Template) -> dict[str, Any]:
    """What the run form is filled with when it opens."""
    inputs = (node for node in template.workflow.nodes if node.type == "input")
    return {field["name"]: field["default"] for node in inputs for field in node.config["fields"]}


@every_template
def test_a_template_has_no_issues(template: Template) -> None:
    assert list(validate(template.workflow, discover())) == []


@every_template
def test_a_template_names_no_model_and_explains_itself(template: Template) -> None:
    agents = [node for node in template.workflow.nodes if node.type == "agent"]
    assert agents
    assert not any({"provider", "model"} & set(node.config) for node in agents)
    assert any(node.type == "note" for node in template.workflow.nodes)
    assert template.description


@every_template
def test_a_template_is_laid_out_in_columns_from_left_to_right(template: Template) -> None:
    nodes = {node.id: node for node in template.workflow.nodes}
    assert all(node.position.x % COLUMN_PX == 0 for node in nodes.values())
    assert all(nodes[e.source].position.x < nodes[e.target].position.x for e in template.workflow.edges)
    assert len({(node.position.x, node.position.y) for node in nodes.values()}) == len(nodes)


@pytest.mark.parametrize("template", TEMPLATES[:4], ids=lambda template: template.id)
async def test_a_template_runs_with_the_bundled_model(template: Template, models: OnlyLocal) -> None:
    """Those that need a model and nothing else; ``tests/api/test_agent_templates.py`` runs the others."""
    capabilities = Capabilities(models=models)
    state = await run_once(template.workflow, default_inputs(template), lambda _event: None, capabilities, discover())
    assert (state.status, state.error) == ("completed", None)
    assert isinstance(state.result, str)
    assert state.result.strip()


@pytest.mark.parametrize(
    ("message", "taken", "left_out"),
    [
        ("The app crashes every time I open it.", "apology", "thanks"),
        ("Thank you so much, the new lamp is wonderful and came a day early!", "thanks", "apology"),
    ],
)
async def test_messages_are_sorted_into_the_right_branch(
    message: str, taken: str, left_out: str, models: OnlyLocal
) -> None:
    template = next(template for template in TEMPLATES if template.id == "sort-messages")
    capabilities = Capabilities(models=models)
    state = await run_once(template.workflow, {"message": message}, lambda _event: None, capabilities, discover())
    assert {path: state.node_states[path].status for path in (taken, left_out)} == {  # type: ignore[index]
        taken: "completed",
        left_out: "skipped",
    }


async def test_the_gallery_is_searched_sorted_and_paged() -> None:
    gallery = Templates(DIRECTORY, workflows=None, knowledge=None)  # type: ignore[arg-type]
    everything = await gallery.list(PageQuery())
    assert everything.total == len(TEMPLATES) >= 3
    by_name = await gallery.list(PageQuery(sort="-name", limit=2))
    names = sorted((t.name for t in TEMPLATES), key=str.casefold, reverse=True)
    assert [template.name for template in by_name.items] == names[:2]
    assert by_name.total == len(TEMPLATES)
    assert [t.id for t in (await gallery.list(PageQuery(q="TRANSLAT"))).items] == ["summarise-translate"]


async def test_an_unknown_template_is_not_found() -> None:
    gallery = Templates(DIRECTORY, workflows=None, knowledge=None)  # type: ignore[arg-type]
    with pytest.raises(NotFound, match="nothing-like-it"):
        await gallery.get("nothing-like-it")


def test_a_file_that_is_no_template_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"id": "x"}')
    with pytest.raises(ValueError, match=r"broken\.json"):
        read_templates(tmp_path)
