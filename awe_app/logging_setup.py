"""How log lines look and where they go."""

import logging
import re
import sys
import time
from logging.handlers import WatchedFileHandler

from awe_app.settings import Environment

PRODUCT = "workflow_engine"
_FORMAT = "%(asctime)s - %(name)s - %(levelname)s - %(funcName)s:%(lineno)d - %(message)s"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")


class LineFormatter(logging.Formatter):
    """``2024-01-01 00:00:00 - workflow_engine - INFO - execute_workflow:123 - message``, in UTC.

    Control characters in a message are escaped, so that what somebody typed cannot forge a line. A traceback
    follows on lines of its own.
    """

    converter = time.gmtime

    def __init__(self) -> None:
        super().__init__(_FORMAT, "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line without its traceback."""
        name, message = record.name, record.message
        if name == "awe_app" or name.startswith("awe_app."):
            record.name = PRODUCT
        record.message = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), message)
        try:
            return super().formatMessage(record)
        finally:
            record.name, record.message = name, message


def configure_logging(environment: Environment) -> None:
    """Log AWE at ``LOG_LEVEL`` and everything else from WARNING on, to stderr and ``LOG_FILE``.

    May be called again: it then replaces what it set before, and nothing else. The file may be moved away while
    AWE runs (logrotate); a new one is begun.
    """
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h.formatter, LineFormatter)]:
        root.removeHandler(handler)
        handler.close()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if environment.log_file is not None:
        environment.log_file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(WatchedFileHandler(environment.log_file, encoding="utf-8", errors="backslashreplace"))
    formatter = LineFormatter()
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    logging.getLogger("awe_app").setLevel(environment.log_level)
    logging.getLogger("mcp").setLevel(logging.CRITICAL)  # it logs what servers send; failures come back as errors
