"""The command line: ``python -m awe_app``. Each command imports what it needs when it runs: all start quickly."""

import argparse
import sys
from collections.abc import Sequence

FAILED = 1
UNREADABLE = 2
"""Also argparse's own answer to a command it does not understand."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0 when it went well, 1 when what it did failed, 2 when it made no sense."""
    options = _parser().parse_args(arguments)
    return options.command(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m awe_app", description="AWE, the agent workflow engine.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run a workflow file, without server or database")
    run.add_argument("file", metavar="FILE", nargs="?", help="workflow file, or - for standard input")
    run.add_argument(
        "--input", metavar="k=v", nargs="+", action="extend", default=[], help="v is JSON where it parses, else text"
    )
    run.add_argument("--json", action="store_true", help="print the whole execution instead of its result")
    run.set_defaults(command=_run)

    validate = commands.add_parser("validate", help="print what is wrong with a workflow file; runs nothing")
    validate.add_argument("file", metavar="FILE", help="workflow file, or - for standard input")
    validate.set_defaults(command=_validate)

    serve = commands.add_parser("serve", help="pages, REST and WebSocket on one port (make run)")
    serve.add_argument("--port", type=int, help="default: PORT, else 8000")
    serve.add_argument("--host", default="0.0.0.0", help="address to listen on (all)")  # noqa: S104
    serve.set_defaults(command=_serve)

    worker = commands.add_parser("worker", help="one more process that drives executions, on PostgreSQL (make worker)")
    worker.set_defaults(command=_worker)
    dev = commands.add_parser("dev", help="hot reload: pages on :3000, back end on :8000 (make dev)")
    dev.set_defaults(command=_dev)
    build = commands.add_parser("build", help="build the pages if anything they are made from changed")
    build.set_defaults(command=_build)
    migrate = commands.add_parser("migrate", help="bring the database's tables up to date")
    migrate.set_defaults(command=_migrate)
    docs = commands.add_parser("docs", help="write docs/nodes.md from the node types' declarations")
    docs.set_defaults(command=_docs)
    return parser


def _run(options: argparse.Namespace) -> int:
    from awe_app.cli.files import Unreadable
    from awe_app.cli.run import run_file

    file: str | None = options.file
    if file is None and options.input and "=" not in options.input[-1]:
        file = options.input.pop()  # run --input k=v FILE
    if file is None:
        return _complain("run: which FILE?", UNREADABLE)
    environment = _environment(with_secrets=False)
    if environment is None:
        return FAILED
    try:
        return run_file(file, options.input, whole=options.json, environment=environment)
    except Unreadable as problem:
        return _complain(problem, UNREADABLE)
    except KeyboardInterrupt:
        return _complain("stopped", 130)


def _validate(options: argparse.Namespace) -> int:
    from awe_app.cli.files import Unreadable
    from awe_app.cli.validate import validate_file

    try:
        return validate_file(options.file)
    except Unreadable as problem:
        return _complain(problem, UNREADABLE)


def _serve(options: argparse.Namespace) -> int:
    from awe_app import build
    from awe_app.serve import PortTaken, serve, wait_for_port

    environment = _environment()
    if environment is None:
        return FAILED
    port = environment.port if options.port is None else options.port
    try:
        wait_for_port(options.host, port)
        if build.main():
            return FAILED
        serve(options.host, port)
    except PortTaken as problem:
        return _complain(problem, FAILED)
    return 0


def _worker(_options: argparse.Namespace) -> int:
    from awe_app.domain.errors import Unavailable

    environment = _environment()
    if environment is None:
        return FAILED
    if environment.database_url.startswith("sqlite"):
        return _complain(
            "worker: SQLite has room for one process, and make run drives everything itself;"
            " set DATABASE_URL=postgresql+asyncpg://… for all processes to have several",
            FAILED,
        )
    from awe_app.worker import work

    try:
        work(environment)
    except Unavailable as problem:
        return _complain(problem.detail, FAILED)
    return 0


def _dev(_options: argparse.Namespace) -> int:
    from awe_app.cli.dev import develop

    return FAILED if _environment() is None else develop()


def _build(_options: argparse.Namespace) -> int:
    from awe_app import build

    return build.main()


def _migrate(_options: argparse.Namespace) -> int:
    import asyncio

    from awe_app.adapters.db import upgrade
    from awe_app.domain.errors import Unavailable

    environment = _environment()
    if environment is None:
        return FAILED
    try:
        asyncio.run(upgrade(environment.database_url))
    except Unavailable as problem:
        return _complain(problem.detail, FAILED)
    return 0


def _docs(_options: argparse.Namespace) -> int:
    from awe_app.cli.node_pages import PAGE, nodes_page

    PAGE.write_text(nodes_page(), encoding="utf-8")
    return 0


def _environment(*, with_secrets: bool = True):
    """The settings, or None after saying what is wrong with them; without secrets nothing is made on disk."""
    from pydantic import ValidationError

    from awe_app.settings import Environment, load_environment

    try:
        return load_environment() if with_secrets else Environment()
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False, include_context=False):
            where = ".".join(str(part) for part in problem["loc"]) or "environment"
            _complain(f"{where}: {problem['msg'].removeprefix('Value error, ')}", FAILED)
    except (OSError, ValueError) as error:
        _complain(error, FAILED)
    return None


def _complain(problem: object, code: int) -> int:
    print(f"awe: {problem}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
