"""The project's own source as the house-keeping tests read it: files, syntax trees, imports."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "awe_app"


def modules() -> list[Path]:
    """Every Python file of the application."""
    return sorted(path for path in APP.rglob("*.py") if "__pycache__" not in path.parts)


def tracked() -> list[Path]:
    """Every file that is committed or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sorted({path for line in listed.splitlines() if (path := ROOT / line).is_file()})


def name(path: Path) -> str:
    """The path as people say it, from the top of the repository."""
    return path.relative_to(ROOT).as_posix()


def layer(path: Path) -> str:
    """The folder below ``awe_app/``, or the file's own name for what stands directly in it."""
    return path.relative_to(APP).parts[0]


@cache
def tree(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything imported, wherever in the file it stands."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}:{node.lineno} imports relatively; say the whole name"
            module = node.module or ""
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything called, such as ``asyncio.create_task`` or ``self.x.run``."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def task_groups(path: Path) -> set[str]:
    """The names under which ``async with asyncio.TaskGroup() as …`` is known in the file."""
    return {
        ast.unparse(item.optional_vars)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.AsyncWith)
        for item in node.items
        if item.optional_vars is not None and ast.unparse(item.context_expr).endswith("TaskGroup()")
    }
