"""Locks this process up, for good, and only then runs what is not trusted. Started by ``sandbox_*.py`` as a script.

    sandbox_child.py monty BINARY ARGUMENT…    becomes the interpreter of the safe engine
    sandbox_child.py python                    runs the program on standard input, for the full engine

Locked means: limits on memory, processor time and files; Landlock (Linux 5.13 and later) lets it read nothing but the
interpreter's own libraries and write nothing; seccomp refuses the system calls by which a process reaches the network,
others, or new privileges. Both hold without root and cannot be undone. Where one is missing the script ends with
status 77 and runs nothing. See decision 0013.

Stands alone: it is run with ``-I -S``, so it sees the standard library only.
"""

import ctypes
import json
import os
import platform
import resource
import struct
import sys
from typing import Any

CANNOT_LOCK = 77

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_EXECUTE, _READ_FILE, _READ_DIR = 1, 4, 8
_SECCOMP = 317
_X86_64 = 0xC000003E
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000  # _REFUSE: the call gives EPERM

_PYTHON = """
    0 1 3 4 5 6 8 9 10 11 12 13 14 15 16 17 19 20 21 24 25 28 32 35 39 60 72 79 89 96 97 98 102 104 107 108 131 158 186
    201 202 204 217 218 228 229 230 231 257 262 273 318 332 334"""
_CALLS_OF_PYTHON = tuple(map(int, _PYTHON.split()))
"""x86-64 system calls that CPython needs to compute, and no other: memory, clocks, reading, random numbers."""
_NOT_MONTY = "41 53 57 58 62 101 155 161 165 175 200 246 248 250 272 298 308 310 311 313 319 321 323 425 434 437 438"
_CALLS_REFUSED_TO_MONTY = tuple(map(int, _NOT_MONTY.split()))
"""Sockets, tracing, io_uring, bpf, keys, mounts, namespaces, modules, signals to others, forks."""


class CannotLock(Exception):
    """This kernel, or this kind of processor, cannot lock the process as it must be."""


def limit(memory_bytes: int, cpu_s: int | None, files: int) -> None:
    """Set the hard limits of this process."""
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: files,
        resource.RLIMIT_CORE: 0,
    }
    if cpu_s is not None:
        limits[resource.RLIMIT_CPU] = cpu_s
    for which, value in limits.items():
        resource.setrlimit(which, (value, value))


def lock(readable: dict[str, int], *, allowed: tuple[int, ...] = (), refused: tuple[int, ...] = ()) -> None:
    """Leave this process only ``readable`` (path → rights), and the calls ``allowed``, or all but ``refused``.

    Raises:
        CannotLock: something that is needed is missing.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64" or struct.calcsize("P") != 8:
        raise CannotLock("only Linux on x86-64 can lock it")
    libc = ctypes.CDLL(None, use_errno=True)

    def done(result: int, what: str) -> int:
        if result < 0:
            raise CannotLock(f"{what}: {os.strerror(ctypes.get_errno())}")
        return result

    done(libc.prctl(38, 1, 0, 0, 0), "no_new_privs")
    done(libc.prctl(1, 9, 0, 0, 0), "die with the parent")
    _lock_files(libc, done, readable)
    _lock_calls(libc, done, allowed, refused)


def _lock_files(libc: Any, done: Any, readable: dict[str, int]) -> None:
    version = done(libc.syscall(_LANDLOCK_CREATE, 0, 0, 1), "Landlock")
    if version < 1:
        raise CannotLock("Landlock is switched off")
    rights = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    rules = struct.pack("QQQ", rights, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    rules = rules[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = done(libc.syscall(_LANDLOCK_CREATE, rules, len(rules), 0), "Landlock")
    for path, access in readable.items():
        try:
            place = os.open(path, os.O_PATH)
        except OSError:
            continue
        if not os.path.isdir(path):
            access &= ~_READ_DIR
        done(libc.syscall(_LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", access, place), 0), f"Landlock for {path}")
        os.close(place)
    done(libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0), "Landlock")
    os.close(ruleset)


def _lock_calls(libc: Any, done: Any, allowed: tuple[int, ...], refused: tuple[int, ...]) -> None:
    program = []

    def step(code: int, on_true: int, on_false: int, value: int) -> None:
        program.append(struct.pack("HBBI", code, on_true, on_false, value))

    step(0x20, 0, 0, 4)  # load the architecture
    step(0x15, 1, 0, _X86_64)
    step(0x06, 0, 0, _KILL)
    step(0x20, 0, 0, 0)  # load the number of the call
    step(0x35, 0, 1, 0x40000000)  # the x32 twins of all calls
    step(0x06, 0, 0, _REFUSE)
    for number in allowed or refused:
        step(0x15, 0, 1, number)
        step(0x06, 0, 0, _ALLOW if allowed else _REFUSE)
    step(0x06, 0, 0, _REFUSE if allowed else _ALLOW)
    code = b"".join(program)
    buffer = ctypes.create_string_buffer(code, len(code))
    whole = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(buffer))
    done(libc.syscall(_SECCOMP, 1, 0, whole), "seccomp")


def lock_python(libraries: set[str]) -> None:
    """Leave this process what CPython needs to compute with these libraries. Raises CannotLock."""
    readable = _READ_FILE | _READ_DIR
    lock(dict.fromkeys((*libraries, "/usr/share/zoneinfo"), readable), allowed=_CALLS_OF_PYTHON)
    verify()


def verify() -> None:
    """Try what must not work any more. Raises CannotLock when it does."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(41, 2, 1, 0) >= 0:
        raise CannotLock("a socket could be opened")
    for path in ("/", "/proc/self/environ", "/etc/passwd"):
        try:
            os.close(os.open(path, os.O_RDONLY))
        except OSError:
            continue
        raise CannotLock(f"{path} could be read")


def become_monty(binary: str, arguments: list[str]) -> None:
    """Replace this process by the interpreter of the safe engine, locked."""
    limit(2 << 30, None, 64)
    read, run = _READ_FILE | _READ_DIR, _EXECUTE | _READ_FILE | _READ_DIR
    libraries = dict.fromkeys(("/lib", "/lib64", "/usr/lib", "/usr/lib64"), run)
    data = {"/etc/ld.so.cache": read, "/usr/share/zoneinfo": read, "/dev/urandom": read, "/dev/null": read | 2}
    lock({binary: run, **libraries, **data}, refused=_CALLS_REFUSED_TO_MONTY)
    os.execve(binary, ["monty", *arguments], {})  # noqa: S606


def run_python() -> None:
    """Read ``{code, inputs, memory_bytes, cpu_s, max_chars}``, run the code locked, and write what it gave as JSON."""
    asked = json.loads(sys.stdin.buffer.read())
    import ast
    import traceback
    from io import StringIO

    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    limit(asked["memory_bytes"], asked["cpu_s"], 16)
    library = os.path.dirname(os.__file__)
    lock_python({library})

    class Printed(StringIO):
        """Standard output, up to a limit."""

        def write(self, text: str) -> int:
            room = asked["max_chars"] - self.tell()
            super().write(text[: max(0, room)])
            return len(text)

    sys.stdout = sys.stderr = printed = Printed()
    sys.path[:] = [path for path in sys.path if path.startswith(library)]
    names = {"__name__": "__main__", **asked["names"]}
    line = None
    try:
        tree = ast.parse(asked["code"], "<code>")
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<code>", "exec"), names)  # noqa: S102
        value = None
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "<code>", "eval"), names)  # noqa: S307
        value = names.get("result") if value is None else value
        answer = {"value": plain(value)}
    except SyntaxError as error:
        answer = {"kind": "syntax", "error": f"SyntaxError: {error.msg}", "line": error.lineno}
    except NoJson as error:
        answer = {"kind": "result", "error": str(error)}
    except MemoryError:
        answer = {"kind": "memory"}
    except BaseException as error:
        places = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<code>"]
        line = places[-1] if places else None
        answer = {
            "kind": "error",
            "error": "".join(traceback.format_exception_only(error)).strip()[-2000:],
            "line": line,
        }
    out.write(json.dumps({**answer, "printed": printed.getvalue()}))
    out.flush()
    os._exit(0)


class NoJson(Exception):
    """The value has no place in JSON."""


def plain(value: Any, depth: int = 0) -> Any:
    """The value as JSON holds it: tuples and sets as lists, dates and decimals as text."""
    if depth > 64:
        raise NoJson("the result is nested deeper than 64")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth + 1) for item in value]
    kind = type(value).__name__
    if kind in ("datetime", "date", "time"):
        return value.isoformat()
    if kind in ("Decimal", "Fraction", "UUID", "timedelta", "PosixPath", "PurePosixPath"):
        return str(value)
    raise NoJson(f"the result holds a {kind}; give text, numbers, lists and objects")


if __name__ == "__main__":
    try:
        become_monty(sys.argv[2], sys.argv[3:]) if sys.argv[1] == "monty" else run_python()
    except CannotLock as problem:
        sys.stderr.write(str(problem))
        sys.exit(CANNOT_LOCK)
