"""A workflow drawn small, as SVG: where its nodes stand and how they are wired. Colours are Radix variables."""

from dataclasses import dataclass

import reflex as rx

from awe_app.domain.workflow import NodeSpec, Workflow
from awe_app.ui import theme
from awe_app.ui.shown import Shown

NODE_WIDTH = 200.0
NODE_HEIGHT = 84.0
MARGIN = 40.0
MAX_DRAWN = 60
"""Nodes beyond this many are left out: they could not be told apart."""

TYPE_COLORS: dict[str, str] = {
    "input": "cyan",
    "output": "cyan",
    "agent": "iris",
    "condition": "amber",
    "switch": "amber",
    "loop": "amber",
    "merge": "green",
    "template": "cyan",
    "code": "green",
    "http_request": "green",
    "tool": "pink",
    "approval": "pink",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """The part of the canvas that is drawn, in canvas pixels."""

    left: float
    top: float
    width: float
    height: float


def thumbnail_svg(workflow: Workflow, aspect: float = 2.0) -> str:
    """The drawing as SVG text; it holds numbers and colour names only, nothing that people wrote.

    Args:
        workflow: What to draw; notes are left out.
        aspect: Width by height of the room it will be shown in.
    """
    nodes = {node.id: node for node in workflow.nodes if node.type != "note" and node.parent_id is None}
    drawn = dict(list(nodes.items())[:MAX_DRAWN])
    if not drawn:
        return ""
    frame = _frame(list(drawn.values()), aspect)
    wires = [
        _wire(drawn[edge.source], drawn[edge.target])
        for edge in workflow.edges
        if edge.source in drawn and edge.target in drawn
    ]
    boxes = [_box(node) for node in drawn.values()]
    box = f"{frame.left:.0f} {frame.top:.0f} {frame.width:.0f} {frame.height:.0f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="100%" aria-hidden="true" viewBox="{box}">'
        f"{''.join(wires + boxes)}</svg>"
    )


def thumbnail(svg: Shown[str], height: str = "120px") -> rx.Component:
    """The drawing on a dotted ground, as the canvas has it."""
    return rx.center(
        rx.html(svg, width="100%", height="100%"),
        height=height,
        width="100%",
        padding="6px",
        background=theme.SUNKEN,
        background_image="radial-gradient(var(--gray-5) 1px, transparent 1px)",
        background_size="14px 14px",
        overflow="hidden",
        flex_shrink="0",
    )


def _frame(nodes: list[NodeSpec], aspect: float) -> Frame:
    left = min(node.position.x for node in nodes) - MARGIN
    top = min(node.position.y for node in nodes) - MARGIN
    width = max(node.position.x for node in nodes) + NODE_WIDTH + MARGIN - left
    height = max(node.position.y for node in nodes) + NODE_HEIGHT + MARGIN - top
    # A single node would fill the drawing: never closer than three nodes wide.
    wide = max(width, height * aspect, NODE_WIDTH * 4)
    high = max(height, wide / aspect)
    return Frame(left - (wide - width) / 2, top - (high - height) / 2, wide, high)


def _box(node: NodeSpec) -> str:
    color = TYPE_COLORS.get(node.type, "gray")
    x, y = node.position.x, node.position.y
    parts = (
        _rect(x, y, NODE_WIDTH, NODE_HEIGHT, 16, 'var(--color-panel-solid)" stroke="var(--gray-7)" stroke-width="4'),
        _rect(x + 18, y + 22, 40, 40, 10, f"var(--{color}-9)"),
        _rect(x + 74, y + 26, NODE_WIDTH - 100, 12, 6, "var(--gray-8)"),
        _rect(x + 74, y + 48, NODE_WIDTH - 130, 10, 5, "var(--gray-6)"),
    )
    return "".join(parts)


def _rect(x: float, y: float, width: float, height: float, radius: int, fill: str) -> str:
    return f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="{radius}" fill="{fill}"/>'


def _wire(source: NodeSpec, target: NodeSpec) -> str:
    x1, y1 = source.position.x + NODE_WIDTH, source.position.y + NODE_HEIGHT / 2
    x2, y2 = target.position.x, target.position.y + NODE_HEIGHT / 2
    bend = max(abs(x2 - x1) / 2, 30)
    return (
        f'<path d="M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}" '
        f'fill="none" stroke="var(--gray-8)" stroke-width="5"/>'
    )
