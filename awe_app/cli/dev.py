"""``dev``: Reflex's own development server; pages rebuild in the browser, the back end starts again on a change."""

import subprocess
import sys

from awe_app import build


def develop() -> int:
    """Run until ctrl-C; the exit code is Reflex's."""
    command = [sys.executable, "-m", "reflex", "run", "--frontend-port", "3000", "--backend-port", "8000"]
    try:
        return subprocess.run(command, cwd=build.ROOT, env=build.environment(), check=False).returncode
    except KeyboardInterrupt:
        return 0
