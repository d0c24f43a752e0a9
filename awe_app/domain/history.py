"""Undo and redo: what was done to a workflow, as pairs of edit and inverse."""

from dataclasses import dataclass, replace

from awe_app.domain.edits import Edit, apply, inverse
from awe_app.domain.workflow import Workflow

LIMIT = 300
"""Steps that can be taken back; the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a person did. Edits of the same non-empty ``gesture`` (typing into one field) are one step."""

    back: tuple[Edit, ...]
    """The inverses, in the order in which they are applied."""
    gesture: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """The steps behind and ahead of a workflow."""

    done: tuple[Step, ...] = ()
    undone: tuple[Step, ...] = ()

    def do(self, workflow: Workflow, edit: Edit, gesture: str = "") -> tuple[Workflow, "History"]:
        """Apply an edit and remember how to take it back; what was undone is forgotten.

        Raises:
            Invalid: the edit does not fit; nothing has changed.
        """
        after, back = apply(workflow, edit), inverse(workflow, edit)
        if gesture and self.done and self.done[-1].gesture == gesture:
            last = self.done[-1]
            return after, History((*self.done[:-1], Step((back, *last.back), gesture)))
        return after, History((*self.done, Step((back,), gesture))[-LIMIT:])

    def undo(self, workflow: Workflow) -> tuple[Workflow, "History"]:
        """Take the last step back; the same workflow when there is none."""
        if not self.done:
            return workflow, self
        before, forward = _walk(workflow, self.done[-1])
        return before, replace(self, done=self.done[:-1], undone=(*self.undone, forward))

    def redo(self, workflow: Workflow) -> tuple[Workflow, "History"]:
        """Do again what was taken back last; the same workflow when there is nothing."""
        if not self.undone:
            return workflow, self
        after, back = _walk(workflow, self.undone[-1])
        return after, replace(self, done=(*self.done, back)[-LIMIT:], undone=self.undone[:-1])


def _walk(workflow: Workflow, step: Step) -> tuple[Workflow, Step]:
    """The workflow after a step's edits, and the step the other way."""
    opposite: list[Edit] = []
    for edit in step.back:
        opposite.insert(0, inverse(workflow, edit))
        workflow = apply(workflow, edit)
    return workflow, Step(tuple(opposite))
