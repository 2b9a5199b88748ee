"""The picture as SVG: real text, a background of its own, and the same bytes each time."""

from __future__ import annotations

from typing import Any

import drawsvg

from docs.architecture import layout
from docs.architecture.layout import CARD_BOXES, LANE_BOXES, Box, Route
from docs.architecture.plan import DESCRIPTION, LANES, LEGEND, NODES, SUBTITLE, TITLE, Lane, Node

INK = "#1f2328"
MUTED = "#59636e"
OUTSIDE = "#6e7781"
FONT = "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, 'DejaVu Sans', sans-serif"
#: left of a card's text
INSET = 14
#: of a card's three lines: what it says, size, weight, and where its foot is
SERVICE_LINE, NAME_LINE, NOTE_LINE = (11, 700, 18), (14, 700, 37), (12, 400, 55)
CORNER = 9  # of an edge's bend
_COLORS = {lane.name: lane.color for lane in LANES}


def svg() -> str:
    """The picture."""
    drawing = drawsvg.Drawing(
        layout.WIDTH,
        layout.HEIGHT,
        id_prefix="arrow",
        font_family=FONT,
        role="img",
        aria_labelledby="title description",
    )
    drawing.append(drawsvg.Title(TITLE, id="title"))
    drawing.append(drawsvg.Raw(f'<desc id="description">{DESCRIPTION}</desc>'))
    drawing.append(
        drawsvg.Rectangle(0.5, 0.5, layout.WIDTH - 1, layout.HEIGHT - 1, rx=14, fill="#ffffff", stroke="#d1d9e0")
    )
    drawing.append(_text(TITLE, 20, layout.MARGIN, 36, font_weight=700, fill=INK))
    drawing.append(_text(SUBTITLE, 14, layout.MARGIN, 58, fill=MUTED))
    drawing.append(_text(LEGEND, 12, layout.WIDTH - layout.MARGIN, 58, fill=OUTSIDE, text_anchor="end"))
    for lane in LANES:
        drawing.extend(_lane(lane, LANE_BOXES[lane.name]))
    heads = {lane.name: _head(lane.color) for lane in LANES}
    for route in layout.routes():
        drawing.extend(_edge(route, heads[route.edge.lane]))
    for node in NODES:
        drawing.append(_card(node, CARD_BOXES[node.id]))
    return str(drawing.as_svg()) + "\n"


def _text(text: str, size: float, x: float, y: float, **more: Any) -> drawsvg.Text:
    return drawsvg.Text(text, size, _round(x), _round(y), **more)


def _lane(lane: Lane, box: Box) -> list[drawsvg.DrawingElement]:
    return [
        drawsvg.Rectangle(box.x, box.y, box.width, box.height, rx=12, fill=lane.tint),
        _text(lane.title, 13, box.x + layout.PADDING, box.y + 20, font_weight=700, fill=lane.color),
    ]


def _card(node: Node, box: Box) -> drawsvg.Group:
    outside = not node.resources
    color = OUTSIDE if outside else _COLORS[node.lane]
    card = drawsvg.Group(id=node.id)
    card.append(
        drawsvg.Rectangle(
            _round(box.x), box.y, box.width, box.height, rx=8, fill="#ffffff", stroke=color, stroke_width=1.2,
            **({"stroke_dasharray": "4 3"} if outside else {}),
        )
    )  # fmt: skip
    lines = ((node.service, SERVICE_LINE, color), (node.name, NAME_LINE, INK), (node.note, NOTE_LINE, MUTED))
    for text, (size, weight, foot), fill in lines:
        card.append(_text(text, size, box.x + INSET, box.y + foot, font_weight=weight, fill=fill))
    return card


def _edge(route: Route, head: drawsvg.Marker) -> list[drawsvg.DrawingElement]:
    color = _COLORS[route.edge.lane]
    answer = {"marker_start": head} if route.edge.both else {}
    path = drawsvg.Path(fill="none", stroke=color, stroke_width=1.8, marker_end=head, **answer)
    points = route.points
    path.M(*map(_round, points[0]))
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        path.L(*map(_round, _towards(corner, before)))
        path.Q(*map(_round, (*corner, *_towards(corner, after))))
    path.L(*map(_round, points[-1]))
    if not route.edge.label:
        return [path]
    anchor: dict[str, Any] = {"text_anchor": "middle"} if route.centered else {}
    return [path, _text(route.edge.label, layout.LABEL_SIZE, *route.label, fill=color, **anchor)]


def _head(color: str) -> drawsvg.Marker:
    head = drawsvg.Marker(
        0, 0, 8, 8, scale=1, refX=7, refY=4, orient="auto-start-reverse", markerUnits="userSpaceOnUse"
    )
    head.append(drawsvg.Lines(0, 0.5, 8, 4, 0, 7.5, close=True, fill=color))
    return head


def _towards(corner: layout.Point, other: layout.Point) -> layout.Point:
    """The point where the bend at a corner begins."""
    (x, y), (other_x, other_y) = corner, other
    length = abs(other_x - x) + abs(other_y - y)
    part = min(CORNER, length / 2) / length
    return x + part * (other_x - x), y + part * (other_y - y)


def _round(value: float) -> float:
    return round(value, 1)
