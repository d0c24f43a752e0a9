"""A budget, as requests say it."""

from pydantic import Field

from awe_app.api.deps import Body
from awe_app.domain.options import Budget


class BudgetBody(Body):
    """What an execution may use, all its nodes together; what is not said is not limited."""

    seconds: float | None = Field(default=None, gt=0, le=10 * 366 * 86_400, allow_inf_nan=False)
    nodes: int | None = Field(default=None, ge=1, le=10**9)
    tokens: int | None = Field(default=None, ge=1, le=10**12)
    usd: float | None = Field(default=None, gt=0, le=10**9, allow_inf_nan=False)

    def budget(self) -> Budget:
        """The same for the services."""
        return Budget(self.seconds, self.nodes, self.tokens, self.usd)
