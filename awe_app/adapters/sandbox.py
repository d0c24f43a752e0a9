"""Runs a user's Python: ``safe`` or ``full``, each in processes of its own; see decision 0013."""

from awe_app.adapters.sandbox_full import FullPython
from awe_app.adapters.sandbox_safe import SafePython
from awe_app.adapters.sandbox_values import MAX_CODE_CHARS, TIME_S
from awe_app.domain.errors import NodeFailed
from awe_app.domain.sandbox import Program, Ran


class PythonSandbox:
    """Implements ``Sandbox``. Nothing is started before the first program; each may run ``time_s``."""

    def __init__(self, time_s: float = TIME_S) -> None:
        self._safe = SafePython(time_s)
        self._full = FullPython(time_s)

    async def run(self, program: Program) -> Ran:
        """See ``Sandbox.run``."""
        if len(program.code) > MAX_CODE_CHARS:
            raise NodeFailed("CODE_SYNTAX", f"the code is longer than {MAX_CODE_CHARS:,} characters")
        return await (self._full if program.engine == "full" else self._safe).run(program)

    async def check(self) -> None:
        """See ``Sandbox.check``."""
        ran = await self.run(Program("1 + 1"))
        if ran.value != 2:
            raise NodeFailed("SANDBOX_UNAVAILABLE", "the sandbox does not compute")

    async def locked(self) -> bool:
        """Whether the safe engine's workers are locked by the operating system as well."""
        return await self._safe.locked()

    async def stop(self) -> None:
        """End what was started."""
        await self._safe.stop()
