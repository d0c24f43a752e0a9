"""Who may import and do what; the picture is docs/architecture.md."""

import sys

import pytest

from tests.source_tree import calls, imports, layer, modules, name, task_groups

BELOW = {
    "domain": set(),
    "engine": {"domain"},
    "tools": {"domain"},
    "agents": {"domain", "tools"},
    "nodes": {"domain", "tools", "agents"},
    "adapters": {"domain", "settings"},
    "services": {"domain", "tools", "agents", "nodes", "engine", "adapters", "settings"},
    "api": {"domain", "tools", "agents", "nodes", "engine", "services", "settings"},
    "ui": {"domain", "tools", "agents", "nodes", "engine", "services"},
    "settings.py": {"domain"},
}
"""Layer → the layers it may import beside itself. What is not listed is the composition root and may import all."""

ROOT_MODULES = {
    "__init__.py",
    "__main__.py",
    "awe_app.py",
    "collecting.py",
    "composition.py",
    "outside.py",
    "logging_setup.py",
    "build.py",
    "serve.py",
    "worker.py",
    "cli",
}

HOMES = {
    "reflex": {"ui", "awe_app.py"},
    "fastapi": {"api", "awe_app.py"},
    "starlette": {"api", "awe_app.py"},
    "sqlmodel": {"adapters"},
    "sqlalchemy": {"adapters"},
    "alembic": {"adapters"},
    "aiohttp": {"adapters/http.py"},
    "chromadb": {"adapters/chroma.py", "adapters/knowledge.py", "adapters/memory.py"},
    "tokenizers": {"adapters/embedder_child.py"},
    "numpy": {
        "adapters/embedder_child.py",
        "adapters/embedder.py",
        "adapters/embedder_cache.py",
        "adapters/embedder_remote.py",
    },
    "pydantic_monty": {"adapters/sandbox_safe.py"},
    "dbos": {"adapters/dbos_queue.py"},
    "redis": {"adapters/bus_redis.py"},
    "litellm": {"adapters/llm.py"},
    "mcp": {"adapters/mcp_sessions.py", "api/mcp_server.py"},
    "mcp_types": {"adapters/mcp_sessions.py", "api/mcp_server.py"},
    "xllamacpp": {"adapters/local_model_child.py"},
    "jwt": {"adapters/tokens.py"},
    "cryptography": {"adapters/crypto.py"},
    "libpass": {"adapters/passwords.py"},
    "bcrypt": {"adapters/passwords.py"},
    "passlib": {"adapters/passwords.py"},
    "networkx": {"engine"},
    "jmespath": {"engine"},
    "rich": {"cli"},
    "granian": {"serve.py"},
    "pydantic_settings": {"settings.py"},
}
"""Library → the only places that know it."""

NETWORK = {"httpx", "httpx2", "requests", "aiohttp", "socket", "urllib.request", "http.client", "urllib3", "websockets"}
NETWORK_HOMES = {"serve.py", "adapters/outbound.py", "adapters/http.py", "adapters/mcp_transport.py"}

DANGEROUS = {"subprocess", "pickle", "marshal", "shelve", "ctypes", "multiprocessing"}
DANGEROUS_HOMES = {
    "build.py": {"subprocess"},
    "serve.py": {"ctypes"},
    "cli/dev.py": {"subprocess"},
    "adapters/resident_process.py": {"subprocess"},
    "adapters/sandbox_child.py": {"ctypes"},
}

ENVIRONMENT_READERS = {"settings.py", "build.py", "serve.py"}
"""settings.py for AWE's own settings; the other two hand the environment on to the programs they start."""

TASK_OWNERS = {
    "engine/tasks.py",
    "engine/wake.py",
    "adapters/dispatch_jobs.py",
    "adapters/dispatch_embedded.py",
    "adapters/dispatch_dbos.py",
    "adapters/bus_redis.py",
    "services/indexing.py",
    "adapters/mcp_sessions.py",
}
PRINTERS = {"build.py", "serve.py", "cli", "__main__.py"}


def place(path) -> str:
    return name(path).removeprefix("awe_app/")


def lives_in(path, homes) -> bool:
    return layer(path) in homes or place(path) in homes


def under(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def test_every_module_belongs_to_a_known_layer():
    strangers = [name(p) for p in modules() if layer(p) not in BELOW and layer(p) not in ROOT_MODULES]
    assert not strangers, "say in tests/test_layers.py and docs/architecture.md where these belong"


def test_layers_import_only_downwards():
    findings = []
    for path in modules():
        if layer(path) in ROOT_MODULES:
            continue
        allowed = BELOW[layer(path)] | {layer(path).removesuffix(".py")}
        for line, module in imports(path):
            if under(module, "awe_app") and module.count(".") and module.split(".")[1] not in allowed:
                findings.append(f"{name(path)}:{line} imports {module}")
    assert not findings


def test_domain_needs_the_standard_library_and_pydantic_only():
    known = sys.stdlib_module_names | {"pydantic", "pydantic_core", "awe_app"}
    findings = [
        f"{name(p)}:{line} imports {module}"
        for p in modules()
        if layer(p) == "domain"
        for line, module in imports(p)
        if module.split(".")[0] not in known
    ]
    assert not findings


@pytest.mark.parametrize("library", sorted(HOMES))
def test_each_library_has_one_home(library):
    findings = [
        f"{name(p)}:{line} imports {module}; {library} lives in {sorted(HOMES[library])}"
        for p in modules()
        if not lives_in(p, HOMES[library])
        for line, module in imports(p)
        if under(module, library)
    ]
    assert not findings


def test_only_named_files_open_connections():
    findings = [
        f"{name(p)}:{line} imports {module}; the network is reached through an adapter named in NETWORK_HOMES"
        for p in modules()
        if not lives_in(p, NETWORK_HOMES)
        for line, module in imports(p)
        if any(under(module, package) for package in NETWORK)
    ]
    assert not findings


def test_only_named_files_import_what_can_run_code():
    findings = [
        f"{name(p)}:{line} imports {module}"
        for p in modules()
        for line, module in imports(p)
        for package in DANGEROUS - DANGEROUS_HOMES.get(place(p), set())
        if under(module, package)
    ]
    assert not findings


def test_nothing_evaluates_text_as_python():
    forbidden = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "asyncio.create_subprocess_shell"}
    sandbox = "adapters/sandbox_child.py"  # it locks itself up first, and runs nothing when it cannot
    findings = [
        f"{name(p)}:{line} calls {call}"
        for p in modules()
        if place(p) != sandbox
        for line, call in calls(p)
        if call in forbidden
    ]
    assert not findings


def test_only_settings_read_the_environment():
    findings = [
        f"{name(p)}:{line} imports {module}; add a field to Environment in settings.py"
        for p in modules()
        if place(p) not in ENVIRONMENT_READERS
        for line, module in imports(p)
        if module in ("os.environ", "os.getenv", "dotenv")
    ]
    findings += [
        f"{name(p)} says {text}; add a field to Environment in settings.py"
        for p in modules()
        if place(p) not in ENVIRONMENT_READERS
        for text in ("os.environ", "os.getenv", "os.putenv")
        if text in p.read_text(encoding="utf-8")
    ]
    assert not findings


def test_every_task_has_an_owner():
    findings = [
        f"{name(p)}:{line} calls {call}; use asyncio.TaskGroup"
        for p in modules()
        if place(p) not in TASK_OWNERS
        for line, call in calls(p)
        if call.rpartition(".")[2] in ("create_task", "ensure_future")
        if call.rpartition(".")[0] not in task_groups(p)
    ]
    assert not findings


def test_only_the_command_line_prints():
    findings = [
        f"{name(p)}:{line} prints; use logging"
        for p in modules()
        if not lives_in(p, PRINTERS)
        for line, call in calls(p)
        if call == "print"
    ]
    assert not findings


def test_the_command_line_runs_workflows_without_reflex():
    findings = [
        f"{name(p)}:{line} imports {module}"
        for p in modules()
        if layer(p) == "cli"
        for line, module in imports(p)
        if under(module, "reflex") or under(module, "awe_app.ui") or under(module, "awe_app.awe_app")
    ]
    assert not findings
