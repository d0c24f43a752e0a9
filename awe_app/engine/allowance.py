"""Keeping an execution within its budget: nodes run, tokens, dollars, and wall time."""

from datetime import datetime, timedelta

from awe_app.domain.errors import BudgetExceeded
from awe_app.domain.execution import ExecutionState
from awe_app.domain.models import Usage
from awe_app.domain.options import Budget

_HINT = "resume the execution with a larger budget"


class Allowance:
    """What is left of one execution's budget."""

    def __init__(self, budget: Budget, now: datetime, done: ExecutionState | None) -> None:
        self._budget = budget
        self._nodes = 0
        self.limited = budget != Budget()
        """False when there is no end to it."""
        started_at = now
        if done is not None:
            started_at = done.started_at or now
            ran = (node for node in done.node_states.values() if node.status in ("completed", "failed"))
            self._nodes = done.forgotten + sum(1 for node in ran if node.attempts)
        self.deadline = started_at + timedelta(seconds=budget.seconds) if budget.seconds is not None else None
        """When its time is over; None: never."""

    def take(self, usage: Usage) -> BudgetExceeded | None:
        """Ask for one more node instance to run, after all that was used; gives why it may not."""
        budget = self._budget
        if budget.nodes is not None and self._nodes >= budget.nodes:
            return _exceeded(f"{budget.nodes} node runs are used up")
        used = usage.prompt_tokens + usage.completion_tokens
        if budget.tokens is not None and used >= budget.tokens:
            return _exceeded(f"{used} of {budget.tokens} tokens are used")
        if budget.usd is not None and usage.cost_usd >= budget.usd:
            return _exceeded(f"{usage.cost_usd:.4f} of {budget.usd:.4f} dollars are spent")
        self._nodes += 1
        return None

    def overdue(self, now: datetime) -> BudgetExceeded | None:
        """Why nothing may go on, when the time is over."""
        if self.deadline is None or now < self.deadline:
            return None
        return _exceeded(f"it took longer than {self._budget.seconds:g} s")


def _exceeded(what: str) -> BudgetExceeded:
    return BudgetExceeded("BUDGET_EXCEEDED", f"the budget of the execution is spent: {what}", _HINT)
