"""Log lines look as the design says, and nobody can forge one."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from awe_app.logging_setup import LineFormatter, configure_logging
from awe_app.settings import Environment


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    """Leave the root logger as it was."""
    root, ours = logging.getLogger(), logging.getLogger("awe_app")
    handlers, level = list(root.handlers), ours.level
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        handler.close()
    ours.setLevel(level)


def environment(tmp_path: Path, log_level: str = "INFO") -> Environment:
    return Environment(data_dir=tmp_path, log_level=log_level, log_file=tmp_path / "deep/awe.log")  # type: ignore[call-arg]


def execute_workflow(message: str) -> None:
    logging.getLogger("awe_app.services.executions").info(message)


def test_a_line_has_time_product_level_place_and_message(tmp_path: Path) -> None:
    configure_logging(environment(tmp_path))
    execute_workflow("Executing workflow abc123")
    [line] = (tmp_path / "deep/awe.log").read_text().splitlines()
    pattern = (
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - workflow_engine - INFO - execute_workflow:\d+ - Executing workflow abc123"
    )
    assert re.fullmatch(pattern, line)


def test_configuring_again_does_not_double_lines(tmp_path: Path) -> None:
    for _ in range(3):
        configure_logging(environment(tmp_path))
    execute_workflow("once")
    assert len((tmp_path / "deep/awe.log").read_text().splitlines()) == 1


def test_the_level_counts_for_awe_and_others_are_heard_from_warning_on(tmp_path: Path) -> None:
    configure_logging(environment(tmp_path, "ERROR"))
    execute_workflow("not shown")
    logging.getLogger("some.library").info("not shown")
    logging.getLogger("some.library").warning("shown")
    text = (tmp_path / "deep/awe.log").read_text()
    assert "not shown" not in text
    assert " - some.library - WARNING - " in text


def test_a_message_cannot_forge_a_line(tmp_path: Path) -> None:
    configure_logging(environment(tmp_path))
    execute_workflow("hello\n2024-01-01 00:00:00 - workflow_engine - INFO - x:1 - forged\r\x1b[2Jgone \u2028 \ud800")
    text = (tmp_path / "deep/awe.log").read_text()
    assert len(text.splitlines()) == 1
    assert "hello\\n2024" in text
    assert "\x1b" not in text


def test_a_traceback_follows_its_line() -> None:
    try:
        raise ValueError("boom")
    except ValueError as error:
        record = logging.LogRecord("awe_app", logging.ERROR, "x.py", 7, "broke", None, (ValueError, error, None), "f")
    lines = LineFormatter().format(record).splitlines()
    assert lines[0].endswith(" - workflow_engine - ERROR - f:7 - broke")
    assert lines[-1] == "ValueError: boom"
