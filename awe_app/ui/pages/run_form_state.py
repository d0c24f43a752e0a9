"""The form that asks what a run is given."""

from collections.abc import Mapping
from typing import Any

import reflex as rx
from pydantic import ValidationError

from awe_app.domain.values import as_text
from awe_app.domain.workflow import Workflow
from awe_app.nodes.input import InputField, declared_fields


class RunFormState(rx.State):
    """What the form shows. The values come with the submit and are remembered for the next run in this tab."""

    shown: bool = False
    fields: list[dict[str, Any]] = []
    problem: str = ""
    _given: dict[str, dict[str, Any]] = {}
    _workflow_id: str = ""

    @rx.event
    def close(self, shown: bool):
        """The form was closed without a run."""
        self.shown = shown

    def ask(self, workflow_id: str, workflow: Workflow) -> bool:
        """Open the form when the workflow declares inputs; whether it does."""
        try:
            declared = declared_fields(workflow) or ()
        except ValidationError:
            return False  # unfinished input settings: starting the run says so
        self._workflow_id = workflow_id
        known = self._given.get(workflow_id, {})
        self.fields = [shown_field(field, known.get(field.name, field.default)) for field in declared]
        self.problem, self.shown = "", bool(declared)
        return self.shown

    def read(self, submitted: Mapping[str, Any]) -> dict[str, Any]:
        """The values to run with: what was left empty is left out, so that defaults hold."""
        inputs: dict[str, Any] = {}
        for field in self.fields:
            name = str(field["name"])
            value = submitted.get(name)
            if field["type"] == "boolean":
                inputs[name] = value in (True, "on", "true")
            elif value not in (None, ""):
                inputs[name] = value
        self._given = {**self._given, self._workflow_id: inputs}
        self.problem = ""
        return inputs


def shown_field(field: InputField, value: Any) -> dict[str, Any]:
    """One field as ``components/run_form.py`` draws it."""
    return {
        "name": field.name,
        "type": field.type,
        "label": field.label or field.name,
        "required": field.required,
        "description": field.description,
        "options": list(field.options),
        "value": as_text(value) if not isinstance(value, bool) else "",
        "checked": value is True,
        "testid": f"run-input-{field.name}",
    }
