"""What a run has used, and whether it may go on."""

from awe_app.agents.settings import Limits
from awe_app.domain.errors import BudgetExceeded
from awe_app.domain.models import Usage
from awe_app.domain.node import Spend


class Account:
    """The account of one run, steps that are known from before included."""

    def __init__(self, limits: Limits, spend: Spend) -> None:
        self._limits = limits
        self._spend = spend
        self.usage = Usage()
        self.seconds = 0.0
        self.calls = 0

    def add(self, usage: Usage, name: str) -> None:
        """A call that was made; ``name`` is its own among all runs of the node."""
        self.calls += 1
        self.usage += usage
        if usage != Usage():
            self._spend(usage, name)

    def check(self, calls: int = 1) -> None:
        """Raise BudgetExceeded ``BUDGET_EXCEEDED`` when so many further calls may not be made."""
        limits = self._limits
        for used, limit, unit in (
            (self.usage.prompt_tokens + self.usage.completion_tokens, limits.tokens, "tokens"),
            (self.usage.cost_usd, limits.usd, "dollars"),
            (self.seconds, limits.seconds, "seconds"),
        ):
            if limit is not None and used >= limit:
                self._refuse(f"the budget of {limit:g} {unit} is spent ({used:g} used)")
        if limits.calls is not None and self.calls + calls > limits.calls:
            wanted = f", {calls} more wanted at once" if calls > 1 else ""
            self._refuse(f"the budget of {limits.calls} calls is spent ({self.calls} made{wanted})")

    @staticmethod
    def _refuse(detail: str) -> None:
        raise BudgetExceeded("BUDGET_EXCEEDED", detail, "raise the agent's budget, or ask for less")
