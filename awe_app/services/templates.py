"""Built-in workflows to start from: one JSON file each in ``awe_app/templates/``."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awe_app.domain.accounts import User
from awe_app.domain.errors import Conflict, NotFound
from awe_app.domain.pages import Page, PageQuery
from awe_app.domain.stored import StoredWorkflow
from awe_app.domain.workflow import Workflow
from awe_app.services.knowledge import CollectionSettings

if TYPE_CHECKING:
    from awe_app.services.knowledge import Knowledge
    from awe_app.services.workflows import Workflows


@dataclass(frozen=True, slots=True)
class SampleCollection:
    """A collection that comes with a template."""

    name: str
    documents: Mapping[str, str]
    """Name → text, in Markdown."""


@dataclass(frozen=True, slots=True)
class Template:
    """A workflow to start from, and how the gallery shows it."""

    id: str
    name: str
    description: str
    category: str
    icon: str
    """Name of a Lucide icon."""
    workflow: Workflow
    collections: tuple[SampleCollection, ...] = ()
    """What using the template sets up, where the user has no collection of that name."""

    def as_json(self) -> dict[str, Any]:
        """The template as REST shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "category": self.category,
            "icon": self.icon,
            "collections": [collection.name for collection in self.collections],
            "workflow": self.workflow.as_json(),
        }


class Templates:
    """The gallery. Files are read once, at the first question."""

    def __init__(self, directory: Path, workflows: "Workflows", knowledge: "Knowledge") -> None:
        self._directory = directory
        self._workflows = workflows
        self._knowledge = knowledge
        self._templates: dict[str, Template] | None = None

    async def list(self, query: PageQuery) -> Page[Template]:
        """The templates whose name, description or category holds ``query.q``; by name unless told otherwise."""
        wanted = query.q.strip().casefold()
        found = [
            template
            for template in (await self._all()).values()
            if wanted in f"{template.name}\n{template.description}\n{template.category}".casefold()
        ]
        if query.sort.removeprefix("-") == "name":
            found.sort(key=lambda template: template.name.casefold(), reverse=query.sort.startswith("-"))
        return Page(found[query.offset : query.offset + query.limit], len(found), query.limit, query.offset)

    async def get(self, template_id: str) -> Template:
        """One template.

        Raises:
            NotFound: ``TEMPLATE_NOT_FOUND``.
        """
        template = (await self._all()).get(template_id)
        if template is None:
            raise NotFound(
                "TEMPLATE_NOT_FOUND", f"There is no template {template_id!r}.", "GET /api/templates lists them."
            )
        return template

    async def use(self, user: User, template_id: str) -> StoredWorkflow:
        """Make a workflow of the user's own out of a template, and the collections it looks into; nothing is run."""
        template = await self.get(template_id)
        stored = await self._workflows.create(user, template.workflow.as_json())
        for sample in template.collections:
            await self._set_up(user, sample)
        return stored

    async def _set_up(self, user: User, sample: SampleCollection) -> None:
        """Fill a new collection; one that the user has already stays as it is."""
        description = "Came with a template; change or delete it as you like."
        try:
            made = await self._knowledge.create(user, CollectionSettings(sample.name, description))
        except Conflict:
            return
        for name, text in sample.documents.items():
            await self._knowledge.add_text(user, made.id, name, text)

    async def _all(self) -> dict[str, Template]:
        if self._templates is None:
            self._templates = await asyncio.to_thread(read_templates, self._directory)
        return self._templates


def read_templates(directory: Path) -> dict[str, Template]:
    """The templates of a directory by id, in the order of the file names.

    Raises:
        ValueError: a file is no template; the message names the file.
    """
    templates: dict[str, Template] = {}
    for file in sorted(directory.glob("*.json")):
        try:
            raw = json.loads(file.read_text(encoding="utf-8"))
            workflow = Workflow.model_validate(raw["workflow"])
            template = Template(
                raw["id"],
                workflow.name,
                workflow.description or "",
                raw["category"],
                raw["icon"],
                workflow,
                tuple(_sample(each) for each in raw.get("collections", ())),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{file.name} is no template: {error}") from error
        templates[template.id] = template
    return templates


def _sample(raw: Mapping[str, Any]) -> SampleCollection:
    return SampleCollection(raw["name"], {each["name"]: each["text"] for each in raw["documents"]})
