"""Small files, shallow folders, nothing of one machine in the tree."""

import re

from tests.source_tree import APP, ROOT, modules, name, tracked

MAX_LINES = 400
MAX_FOLDERS = 2
"""Below ``awe_app/``."""

GENERATED = ("reflex.lock/", "alembic/versions/", "docs/nodes.md", "bench/results.json", "constraints.txt")


def test_no_source_file_is_longer_than_400_lines():
    sources = [p for p in tracked() if p.suffix in (".py", ".jsx", ".js", ".css", ".sh") or p.name == "Makefile"]
    long = {name(p): lines for p in sources if (lines := len(p.read_text(encoding="utf-8").splitlines())) > MAX_LINES}
    long = {path: lines for path, lines in long.items() if not path.startswith(GENERATED)}
    assert not long, "split them: which noun is missing?"


def test_folders_are_at_most_two_deep():
    files = [p for p in tracked() if p.is_relative_to(APP)]
    deep = [name(p) for p in files if len(p.relative_to(APP).parts) - 1 > MAX_FOLDERS]
    assert not deep


def test_packages_say_nothing_in_init():
    talkative = [name(p) for p in modules() if p.name == "__init__.py" and p.read_text(encoding="utf-8").strip()]
    assert talkative == ["awe_app/services/__init__.py"]


def test_the_alembic_folder_does_not_hide_the_library():
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_no_module_is_a_drawer():
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "base_utils"}
    findings = [name(p) for p in modules() if p.stem in drawers or drawers & set(p.relative_to(APP).parts[:-1])]
    assert not findings, "name the noun it holds"


def test_the_tree_names_no_registry_and_no_machine():
    hosts = (
        "registry.npm" + "js.org",
        "registry.npm" + "mirror.com",
        "files.python" + "hosted.org",
        "pypi" + ".org/simple",
    )
    folders = ("/wo" + "rk/main", "/wo" + "rk/shared", "/ro" + "ot/", "/ho" + "me/", "/Us" + "ers/", "/tm" + "p/awe")
    forbidden = re.compile("|".join(map(re.escape, hosts + folders)).encode())
    findings = [
        f"{name(p)}: {match.group().decode()}"
        for p in tracked()
        if p.suffix not in (".png", ".gif", ".webp", ".webm", ".ico", ".woff2")
        for match in [forbidden.search(p.read_bytes())]
        if match
    ]
    assert not findings


def test_the_lock_file_of_the_pages_names_no_addresses():
    lock = ROOT / "reflex.lock" / "package-lock.json"
    assert lock.is_file(), "reflex.lock/ is committed: the pages are built from pinned packages"
    assert '"resolved"' not in lock.read_text(encoding="utf-8"), "make the lock file with .npmrc in place"
