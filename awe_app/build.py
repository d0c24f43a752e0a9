"""Builds the pages when something changed: Reflex by itself would do it at every start, for half a minute.

The result stays in ``.web/build/client``; a stamp beside it names the content it was made from.
"""

import compileall
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / ".web" / "build" / "client"
STAMP = ROOT / ".web" / "awe-build.key"
LOG = ROOT / ".web" / "awe-build.log"
PACKAGES = ROOT / "reflex.lock" / "package.json"

TOP_FILES = ("rxconfig.py", "requirements.txt", "constraints.txt", ".npmrc")
NOT_IN_PAGES = frozenset({"api", "adapters", "engine", "cli", "__main__.py", "serve.py", "settings.py", "__pycache__"})
"""Parts of ``awe_app/`` that no page is made of; all the rest is in the key."""

_SOCKET_URL = re.compile(rb"""(["'`])ws://localhost:8000(/[^"'`]*)\1""")
_PAGE_URL = re.compile(rb"""(["'`])http://localhost:8000(/[^"'`]*)\1""")


class BuildFailed(Exception):
    """The pages could not be built; the message says where the log is and how it ends."""


def key() -> str:
    """A digest of everything the pages are made from."""
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield from (ROOT / name for name in TOP_FILES if (ROOT / name).is_file())
    for entry in (ROOT / "awe_app").iterdir():
        if entry.name in NOT_IN_PAGES:
            continue
        if entry.is_file():
            yield entry
        else:
            yield from (p for p in entry.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    for folder in (ROOT / "assets", ROOT / "reflex.lock"):
        yield from (p for p in folder.rglob("*") if p.is_file() and not {"external", "node_modules"} & set(p.parts))


def is_current() -> bool:
    """True when the pages on disk were made from what stands in the tree now."""
    return STAMP.is_file() and (CLIENT / "index.html").is_file() and STAMP.read_text() == key()


def build() -> None:
    """Compile and bundle the pages.

    Raises:
        BuildFailed: Reflex or Node.js could not.
    """
    STAMP.unlink(missing_ok=True)
    shutil.rmtree(CLIENT.parent, ignore_errors=True)
    packages = _read(PACKAGES)
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment() | _own_registry(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    _keep_form(PACKAGES, packages)
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_bytes(done.stdout)
    if done.returncode != 0 or not (CLIENT / "index.html").is_file():
        tail = "\n".join(done.stdout.decode(errors="replace").splitlines()[-25:])
        raise BuildFailed(f"{tail}\n\nThe pages could not be built; all of it: {LOG.relative_to(ROOT)}")
    _ask_the_serving_address()
    # Starts go faster by half a second where Python itself is told to keep no byte code (PYTHONDONTWRITEBYTECODE).
    compileall.compile_dir(ROOT / "awe_app", quiet=2)
    STAMP.write_text(key())


def environment() -> dict[str, str]:
    """The environment in which Reflex finds the Node.js of this Python and asks nobody anything."""
    return {
        **os.environ,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
        "REFLEX_USE_NPM": "1",
        "REFLEX_DIR": str(ROOT / ".venv" / "reflex"),
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
    }


def _own_registry() -> dict[str, str]:
    """The package registry npm is set to here; without it Reflex times two public ones and takes the faster."""
    if "NPM_CONFIG_REGISTRY" in os.environ:
        return {}
    asked = subprocess.run(
        ["npm", "config", "get", "registry"], cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    return {"NPM_CONFIG_REGISTRY": asked.stdout.strip()} if asked.returncode == 0 and asked.stdout.strip() else {}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _keep_form(path: Path, before: str) -> None:
    """Undo Reflex's rewriting of a JSON file that says the same as before; where it says more, make it readable."""
    after = _read(path)
    if not after or after == before:
        return
    unchanged = before and json.loads(before) == json.loads(after)
    path.write_text(before if unchanged else json.dumps(json.loads(after), indent=2) + "\n", encoding="utf-8")


def _ask_the_serving_address() -> None:
    """Let the pages talk to the address they came from.

    Reflex bakes ``localhost:8000`` into one small file. With that replaced, the same build serves on any port, under
    any name, behind any proxy.
    """
    chunks = sorted((CLIENT / "assets").glob("reflex-env-*.js"))
    if len(chunks) != 1:
        raise BuildFailed(f"expected one assets/reflex-env-*.js in {CLIENT.relative_to(ROOT)}, found {len(chunks)}")
    text = chunks[0].read_bytes()
    text, sockets = _SOCKET_URL.subn(rb'(location.origin.replace(/^http/,"ws")+"\2")', text)
    text, pages = _PAGE_URL.subn(rb'(location.origin+"\2")', text)
    if not sockets or not pages:
        raise BuildFailed(f"{chunks[0].name} holds no address to replace; has Reflex changed how it writes env.json?")
    chunks[0].write_bytes(text)
    # The ready-made compressed copies would still hold the old address.
    for compressed in (CLIENT / "assets").glob(f"{chunks[0].name}.*"):
        compressed.unlink()


def main() -> int:
    """Build when something changed; 0 when the pages are ready."""
    if is_current():
        return 0
    print("Building the pages (only when something changed; about half a minute) …", flush=True)
    try:
        build()
    except BuildFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0
