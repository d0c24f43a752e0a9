"""The console below the canvas: the log on the left, the result on the right, both always in sight."""

from typing import Any

import reflex as rx

from awe_app.ui import routes, theme
from awe_app.ui.pages.run_state import RunState

_LOG = rx.Var.create(RunState.log).to(list[dict[str, str]])
_EXECUTION = rx.Var.create(RunState.execution).to(dict[str, Any])
_OUTCOME = rx.Var.create(RunState.outcome).to(dict[str, Any])


def console() -> rx.Component:
    """The region that shows the run."""
    return rx.el.div(
        rx.el.section(
            rx.el.header(rx.el.h2("Log"), _facts(), rx.spacer(), _open_execution()),
            rx.el.div(
                rx.el.div(
                    rx.cond(
                        _LOG.length() > 0,
                        rx.foreach(_LOG, _line),
                        rx.el.p("Run the workflow to see what it does.", class_name="awe-faint"),
                    ),
                    role="log",
                    aria_live="off",
                ),
                class_name="awe-console-body awe-scroll",
                data_testid="console-log",
                tab_index=0,
                aria_label="Log",
            ),
            aria_label="Log",
        ),
        rx.el.section(
            rx.el.header(rx.el.h2("Result")),
            rx.el.div(
                _result(),
                class_name="awe-result-body awe-scroll",
                data_testid="console-result",
                tab_index=0,
                aria_label="Result",
                aria_live="polite",
            ),
            aria_label="Result",
        ),
        class_name="awe-console",
        data_testid="console",
        role="region",
        aria_label="Console",
    )


def _line(line: rx.vars.ObjectVar[dict[str, str]]) -> rx.Component:
    return rx.el.div(
        rx.el.time(line["time"]),
        rx.el.b(line["node"], title=line["node"]),
        rx.el.span(line["text"]),
        class_name="awe-line",
        custom_attrs={"data-level": line["level"]},
    )


def _facts() -> rx.Component:
    """Status and tokens of the run."""
    status = _EXECUTION["status"].to(str)
    tokens = _EXECUTION["tokens"].to(int)
    return rx.cond(
        _EXECUTION.contains("id"),
        rx.fragment(
            rx.badge(status, color_scheme=theme.status_color(status), variant="soft", data_testid="console-status"),
            rx.cond(tokens > 0, rx.el.span(tokens.to_string(), " tokens")),
        ),
    )


def _open_execution() -> rx.Component:
    execution_id: Any = _EXECUTION["id"].to(str)
    page = f"{routes.EXECUTIONS}/{execution_id}"
    return rx.cond(
        _EXECUTION.contains("id"),
        rx.fragment(
            rx.cond(
                RunState.with_agents,
                rx.link(
                    "What agents said",
                    href=f"{page}?{routes.AGENT}=",
                    size="1",
                    underline="hover",
                    white_space="nowrap",
                    data_testid="console-transcript",
                ),
            ),
            rx.link("Details", href=page, size="1", underline="hover"),
        ),
    )


def _result() -> Any:
    return rx.match(
        _OUTCOME["status"].to(str),
        ("completed", rx.el.pre(_OUTCOME["text"].to(str))),
        (
            "failed",
            rx.el.p(
                rx.icon("circle-x", size=14, aria_hidden="true"),
                rx.el.span(rx.el.b(_OUTCOME["code"].to(str)), " ", _OUTCOME["detail"].to(str)),
                class_name="awe-error",
                role="alert",
            ),
        ),
        ("cancelled", rx.el.p("The run was stopped.", class_name="awe-faint")),
        rx.el.p("The result will stand here.", class_name="awe-faint"),
    )
