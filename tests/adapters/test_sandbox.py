"""The sandbox: what it computes, where it stops, and what nobody gets out of it. Real processes throughout."""

import asyncio
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from awe_app.adapters.sandbox import PythonSandbox
from awe_app.adapters.sandbox_child import CANNOT_LOCK
from awe_app.adapters.sandbox_full import FullPython
from awe_app.adapters.sandbox_safe import CHILD
from awe_app.domain.errors import NodeFailed
from awe_app.domain.sandbox import Engine, Program

LOCKABLE = sys.platform == "linux" and platform.machine() == "x86_64"
ENGINES: list[Engine] = ["safe", "full"] if LOCKABLE else ["safe"]
"""Elsewhere ``full`` refuses, which a test of its own sees to."""


@pytest.fixture
async def sandbox() -> AsyncIterator[PythonSandbox]:
    made = PythonSandbox(time_s=2)
    yield made
    await made.stop()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


async def failure(sandbox: PythonSandbox, code: str, engine: Engine, **inputs: Any) -> NodeFailed:
    with pytest.raises(NodeFailed) as caught:
        await sandbox.run(Program(code, inputs, engine))
    return caught.value


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("1 + 1", 2),
        ("result = 3", 3),
        ("result = 3\n4", 4),
        ("result = 3\nprint('x')", 3),
        ("a = 1", None),
        ("", None),
        ("# only a remark", None),
        ("text.upper() + inputs['other-name']", "HIxy"),
        ("[n * 2 for n in numbers if n > 1]", [4, 6]),
        ("def double(n):\n    return n * 2\n\n{'a': double(numbers[0])}", {"a": 2}),
        ("(1, (2, 3))", [1, [2, 3]]),
        ("{1: {2}}", {"1": [2]}),
        ("import math, json, datetime\nstr(datetime.date(2020, 1, 2)) + json.dumps([math.pi // 1])", "2020-01-02[3.0]"),
        ("import datetime\ndatetime.date(2020, 1, 2)", "2020-01-02"),
        ("from decimal import Decimal\nDecimal('1.50')", "1.50"),
        ("'ü😀'", "ü😀"),
        ("inputs = 5\ninputs", 5),
    ],
)  # fmt: skip
async def test_it_computes(code: str, value: Any, engine: Engine, sandbox: PythonSandbox):
    given = {"text": "hi", "numbers": [1, 2, 3], "other-name": "xy", "class": 1}
    assert (await sandbox.run(Program(code, given, engine))).value == value


async def test_full_knows_the_whole_language_and_library(sandbox: PythonSandbox):
    code = """
import statistics, enum, dataclasses, hashlib, zoneinfo, csv, io, uuid, collections, itertools
class Base:
    @property
    def n(self): return 4
class Mood(enum.Enum):
    GOOD = 1
def numbers():
    yield from (1, 2, 6)
total = statistics.mean(numbers()) + Base().n
[total, Mood.GOOD.name, hashlib.sha256(b'x').hexdigest()[:4], list(csv.reader(io.StringIO('a,b'))), random_is_there]
"""
    program = Program(code.replace("random_is_there", "len(uuid.uuid4().hex)"), {}, "full")
    assert (await sandbox.run(program)).value == [7, "GOOD", "2d71", [["a", "b"]], 32]


async def test_what_is_printed_is_told_up_to_a_limit(engine: Engine, sandbox: PythonSandbox):
    ran = await sandbox.run(Program("print('one', 2)\nprint('x' * 1_000_000)\n7", {}, engine))
    assert ran.value == 7
    assert ran.printed.startswith("one 2\nxxx")
    assert len(ran.printed) <= 64 * 1024


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("a = 1\ndef f():\n    return a / 0\n\nf()", "CODE_ERROR", "line 3: ZeroDivisionError: division by zero"),
        ("\n\nmissing", "CODE_ERROR", "line 3: NameError: name 'missing' is not defined"),
        ("a = 1\nb = = 2", "CODE_SYNTAX", "line 2: SyntaxError"),
        ("raise ValueError('too small')", "CODE_ERROR", "line 1: ValueError: too small"),
        ("float('nan')", "CODE_RESULT", "nan"),
        ("[1, float('inf')]", "CODE_RESULT", "inf"),
        ("10 ** 2000", "CODE_RESULT", "digits"),
        ("a = []\nfor _ in range(100):\n    a = [a]\na", "CODE_RESULT", "nested"),
        ("'x' * 6_000_000", "CODE_RESULT", "5 MB"),
        ("b'bytes'", "CODE_RESULT", "bytes"),
        ("x = 'a'\nwhile True:\n    x = x + x", "CODE_MEMORY", "memory"),
        ("while True:\n    pass", "CODE_TIMEOUT", "2 s"),
        ("#" * 70_000, "CODE_SYNTAX", "64,000"),
        ("import numpy", "CODE_ERROR", "line 1: ModuleNotFoundError"),
        ("import pydantic", "CODE_ERROR", "line 1: ModuleNotFoundError"),
    ],
)
async def test_it_says_what_is_wrong_and_where(code: str, kind: str, said: str, engine: Engine, sandbox: PythonSandbox):
    failed = await failure(sandbox, code, engine)
    assert failed.code == kind
    assert said in failed.detail


async def test_the_safe_engine_says_that_full_knows_more(sandbox: PythonSandbox):
    failed = await failure(sandbox, "def f():\n    yield 1", "safe")
    assert "engine: full" in failed.detail


async def test_programs_know_nothing_of_each_other(engine: Engine, sandbox: PythonSandbox):
    await sandbox.run(Program("import json\nsecret = 1\njson.planted = 1", {}, "full"))
    await sandbox.run(Program("secret = 1", {}, engine))
    assert "NameError" in (await failure(sandbox, "secret", engine)).detail


async def test_inputs_are_not_changed(engine: Engine, sandbox: PythonSandbox):
    given = {"numbers": [1]}
    await sandbox.run(Program("numbers.append(2)\ninputs['x'] = 1", given, engine))
    assert given == {"numbers": [1]}


async def test_many_run_side_by_side_and_the_loop_goes_on(engine: Engine, sandbox: PythonSandbox):
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(tick())
        runs = [group.create_task(sandbox.run(Program(f"{n} * 2", {}, engine))) for n in range(20)]
        values = [(await run).value for run in runs]
        ticking.cancel()
    assert values == [n * 2 for n in range(20)]
    assert ticks > 20


_before: set[int] = set()


@pytest.fixture(autouse=True)
async def _not_ours() -> None:
    """Databases and the like, which other tests have started, are left alone."""
    _before.clear()
    _before.update(await children())


async def children() -> set[int]:
    """The processes that this test has started and that still are."""
    listed = await asyncio.to_thread(
        subprocess.run, ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True
    )
    lines = (line for line in listed.stdout.splitlines() if "ps -o" not in line and "<defunct>" not in line)
    return {int(line.split()[0]) for line in lines} - _before


async def test_cancelling_kills_at_once(engine: Engine):
    sandbox = PythonSandbox(time_s=300)
    await sandbox.run(Program("1", {}, engine))
    before = await children()
    running = asyncio.create_task(sandbox.run(Program("while True:\n    pass", {}, engine)))
    if engine == "full":
        while not await children() - before:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await sandbox.run(Program("1", {}, engine))).value == 1
    stopped = asyncio.create_task(sandbox.stop())
    await asyncio.wait_for(stopped, 60)  # it would wait for a program that still runs
    while await children() & before or await children() - before:
        await asyncio.sleep(0.01)


async def test_a_worker_that_was_killed_is_replaced(sandbox: PythonSandbox):
    await sandbox.run(Program("1"))
    running = asyncio.create_task(sandbox.run(Program("while True:\n    pass")))
    await asyncio.sleep(0.1)
    for pid in await children():
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(NodeFailed) as failed:
        await running
    assert (failed.value.code, failed.value.retryable) == ("CODE_CRASHED", True)
    assert (await sandbox.run(Program("1"))).value == 1


async def test_nothing_runs_before_the_first_program_and_stopping_twice_is_fine():
    before = await children()
    sandbox = PythonSandbox()
    assert await children() == before
    await sandbox.stop()
    await sandbox.stop()


async def test_it_can_be_checked(sandbox: PythonSandbox):
    await sandbox.check()


async def test_the_workers_of_safe_are_locked_by_the_kernel_where_it_can(sandbox: PythonSandbox):
    assert await sandbox.locked() == LOCKABLE
    if not LOCKABLE:
        return
    worker = next(iter(await children()))
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{worker}/status").read_text().splitlines() if ":\t" in line
    )
    assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")


async def test_full_refuses_a_machine_that_cannot_lock_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    script = CHILD.read_text(encoding="utf-8").replace("platform.machine()", "'armv7'")
    (tmp_path / "child.py").write_text(script, encoding="utf-8")
    monkeypatch.setattr("awe_app.adapters.sandbox_full.CHILD", tmp_path / "child.py")
    with pytest.raises(NodeFailed) as failed:
        await FullPython().run(Program("open('/tmp/ran', 'w')", {}, "full"))
    assert failed.value.code == "SANDBOX_UNAVAILABLE"
    assert "x86-64" in failed.value.detail


def test_the_lock_is_verified_before_anything_runs(tmp_path: Path):
    script = CHILD.read_text(encoding="utf-8").replace("    lock(dict.from", "    (lambda *a, **k: None)(dict.from")
    (tmp_path / "child.py").write_text(script, encoding="utf-8")
    asked = '{"code": "print(1)", "names": {}, "memory_bytes": 536870912, "cpu_s": 5, "max_chars": 10}'
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(tmp_path / "child.py"), "python"], input=asked, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (CANNOT_LOCK, "")


CANARY = "c4n4ry-9f1"

ESCAPES = {
    "dunder traversal": "().__class__.__base__.__subclasses__()\nimport os\nopen(CANARY_FILE).read()",
    "read a file": "open(CANARY_FILE).read()",
    "read by pathlib": "from pathlib import Path\nPath(CANARY_FILE).read_text()",
    "read by descriptor": "import os\nos.read(os.open(CANARY_FILE, 0), 100).decode()",
    "write a file": "open(OUT_FILE, 'w').write('x')\nOUT_FILE",
    "write by os": "import os\nos.open(OUT_FILE, os.O_CREAT | os.O_WRONLY)\nOUT_FILE",
    "make a folder": "import os\nos.mkdir(OUT_FILE)",
    "the environment": "import os\nos.environ['CANARY']",
    "environ of the process": "open('/proc/self/environ').read()",
    "environ of the parent": "import os\nopen(f'/proc/{os.getppid()}/environ').read()",
    "memory of the parent": "import os\nopen(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
    "list the root": "import os\nos.listdir('/')",
    "os.system": "import os\nassert os.system('touch ' + OUT_FILE) == 0",
    "subprocess": "import subprocess\nsubprocess.run(['touch', OUT_FILE], check=True)",
    "posix_spawn": "import os\nos.posix_spawn('/usr/bin/touch', ['touch', OUT_FILE], {})",
    "exec": "import os\nos.execv('/usr/bin/touch', ['touch', OUT_FILE])",
    "connect": "import socket\nsocket.create_connection(('127.0.0.1', PORT), 2)",
    "connect by udp": "import socket\nsocket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT))",
    "unix socket": "import socket\nsocket.socket(socket.AF_UNIX).connect('/tmp/x')",
    "urllib": "import urllib.request\nurllib.request.urlopen(f'http://127.0.0.1:{PORT}/')",
    "ctypes open": "import ctypes\nassert ctypes.CDLL(None).open(CANARY_FILE.encode(), 0) >= 0",
    "ctypes socket": "import ctypes\nassert ctypes.CDLL(None).socket(2, 1, 0) >= 0",
    "ctypes system": "import ctypes\nassert ctypes.CDLL(None).system(b'true') == 0",
    "importlib": "import importlib\nimportlib.import_module('subprocess').run(['touch', OUT_FILE], check=True)",
    "builtins": "__builtins__['open'](CANARY_FILE).read()",
    "format string": "class A: pass\n'{0.__class__.__init__.__globals__}'.format(A())",
    "fork": "import os\nos.fork()\nimport time\ntime.sleep(9)",
    "threads": "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()",
    "multiprocessing": "import multiprocessing\nmultiprocessing.Process(target=print).start()",
    "kill the parent": "import os, signal\nos.kill(os.getppid(), signal.SIGTERM)",
    "ptrace": "import ctypes, os\nassert ctypes.CDLL(None, use_errno=True).ptrace(16, os.getppid(), 0, 0) == 0",
    "raise limits of the parent": "import os\nfrom resource import *\nprlimit(os.getppid(), RLIMIT_NOFILE, (16, 16))",
    "raise own limits": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    "become root": "import os\nos.setuid(0)\nos.chroot('/tmp')",
    "a link": "import os\nos.symlink(CANARY_FILE, OUT_FILE)",
    "descriptors": "import os\n[os.readlink(f'/proc/self/fd/{n}') for n in range(9)]",
    "breakpoint": "breakpoint()",
    "read standard input": "import sys\nassert sys.stdin.read()",
    "site packages": "import sys\nsys.path.append(SITE)\nimport sqlalchemy",
    "load a module": "import ctypes\nctypes.CDLL(SITE + '/greenlet/_greenlet.so')",
    "pickle": "import pickle\npickle.loads(b\"cposix\\nsystem\\n(S'touch '\\ntR.\")\nopen(CANARY_FILE).read()",
    "sleep": "import time\ntime.sleep(60)",
    "output flood": "while True:\n    print('x' * 1000)",
    "regular expression": "import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')\nopen(CANARY_FILE).read()",
    "big number": "x = 9 ** 9 ** 9",
    "big shift": "x = 1 << 10 ** 12",
    "recursion": "def f(): return f()\nf()",
    "deep source": "(" * 5000 + ")" * 5000,
    "format width": "f'{1:>{10 ** 12}}'",
    "sum without end": "sum(range(10 ** 15))",
    "loop without end": "while True:\n    pass",
    "memory bomb": "x = 'a' * 10 ** 12",
    "memory bomb in pieces": "x = []\nwhile True:\n    x.append('a' * 10 ** 7)",
    "frames of a generator": "def g(): yield\nf = g().gi_frame\nf.f_builtins['open'](CANARY_FILE).read()",
    "frames of a traceback": "try:\n    1 / 0\nexcept Exception as e:\n"
    "    e.__traceback__.tb_frame.f_builtins['open'](CANARY_FILE).read()",
    "code object": "def f(p): return p\nf.__code__ = (lambda p: open(p).read()).__code__\nf(CANARY_FILE)",
    "eval in exec": "exec(\"eval('open(CANARY_FILE).read()')\")",
    "fill the disk": "with open(OUT_FILE, 'wb') as f:\n    while True:\n        f.write(bytes(2 ** 20))",
    "temporary folder": "import tempfile\ntempfile.mkdtemp()",
    "file in memory": "import os\nos.execv(os.memfd_create('x'), ['x'])",
    "shared memory": "from multiprocessing import shared_memory\nshared_memory.SharedMemory(create=True, size=10)",
    "namespace of its own": "import ctypes\nassert ctypes.CDLL(None).unshare(0x10000000) == 0",
    "mount": "import ctypes\nassert ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0",
    "io_uring": "import ctypes\nassert ctypes.CDLL(None).syscall(425, 8, ctypes.create_string_buffer(120)) >= 0",
    "bpf": "import ctypes\nassert ctypes.CDLL(None).syscall(321, 0, ctypes.create_string_buffer(72), 72) >= 0",
    "keyring": "import ctypes\nassert ctypes.CDLL(None).syscall(250, 0, -3, 0) >= 0",
    "x32 calls": "import ctypes\nassert ctypes.CDLL(None).syscall(0x40000000 + 41, 2, 1, 0) >= 0",
    "memory of another process": "import ctypes, os\n"
    "assert ctypes.CDLL(None).process_vm_readv(os.getppid(), 0, 0, 0, 0, 0) >= 0",
}  # fmt: skip


async def test_nobody_gets_out(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    canary, out = tmp_path / "canary.txt", tmp_path / "out.txt"
    canary.write_text(CANARY)
    canary.chmod(0o644)
    monkeypatch.setenv("CANARY", CANARY)
    sandbox = PythonSandbox(time_s=2)
    got_out: dict[str, Any] = {}
    with socket.create_server(("127.0.0.1", 0)) as streams, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        port = streams.getsockname()[1]
        datagrams.bind(("127.0.0.1", port))
        streams.setblocking(False)
        datagrams.setblocking(False)
        site = next(path for path in sys.path if "site-packages" in path)
        inputs = {"CANARY_FILE": str(canary), "OUT_FILE": str(out), "PORT": port, "SITE": site}

        async def attempt(name: str, code: str) -> None:
            try:
                got_out[name] = await sandbox.run(Program(code, inputs, engine))
            except NodeFailed as failed:
                if CANARY in failed.detail or str(Path.home()) in failed.detail.replace(site, ""):
                    got_out[name] = failed.detail

        async with asyncio.TaskGroup() as group:
            for name, code in ESCAPES.items():
                group.create_task(attempt(name, code))
        assert (await sandbox.run(Program("1", {}, engine))).value == 1
        await sandbox.stop()
        for listener in (lambda: streams.accept(), lambda: datagrams.recv(10)):
            with pytest.raises(BlockingIOError):
                listener()
    assert not out.exists()
    assert got_out == {}
