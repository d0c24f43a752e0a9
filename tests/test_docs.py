"""The documentation is current: links lead somewhere, every dependency has its reason, every setting is told of."""

import re
from pathlib import Path

import pytest

from tests.source_tree import ROOT

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_something(page: Path):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_every_dependency_has_a_decision():
    decisions = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "docs" / "decisions").glob("*.md")).lower()
    named = {
        match[1]
        for file in ROOT.glob("requirements*.txt")
        for line in file.read_text(encoding="utf-8").splitlines()
        if (match := re.match(r"([a-z0-9_.-]+)(\[.*\])?==", line, re.IGNORECASE))
    }
    unexplained = sorted(name for name in named if name.lower() not in decisions)
    assert not unexplained, "say in docs/decisions/ why AWE needs them"


def test_every_dependency_is_pinned_exactly():
    lines = [
        line.strip()
        for file in ROOT.glob("requirements*.txt")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith(("#", "-"))
    ]
    assert all("==" in line for line in lines)


def test_every_setting_is_documented():
    from awe_app.settings import Environment

    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    variables = [str(field.validation_alias.choices[0]) for field in Environment.model_fields.values()]  # type: ignore[union-attr]
    assert [name for name in variables if f"`{name}`" not in page] == []
