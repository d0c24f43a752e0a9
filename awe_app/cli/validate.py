"""``validate``: what is wrong with a workflow file, one finding a line."""

from collections.abc import Iterable
from typing import TextIO

from awe_app.cli.files import read_json
from awe_app.domain.errors import Issue


def validate_file(file: str) -> int:
    """Print ``severity code node_id message`` for each issue; 1 when any is an error.

    Raises:
        Unreadable: the file holds no JSON.
    """
    raw = read_json(file)
    from awe_app.engine.validate import read_workflow, validate
    from awe_app.nodes.registry import discover

    workflow, issues = read_workflow(raw)
    if workflow is not None:
        issues = validate(workflow, discover())
    print_issues(issues)
    return int(any(issue.severity == "error" for issue in issues))


def print_issues(issues: Iterable[Issue], to: TextIO | None = None) -> None:
    """One line an issue; ``-`` stands where an issue belongs to no node."""
    for issue in issues:
        print(issue.severity, issue.code, issue.node_id or "-", " ".join(issue.message.split()), file=to)
