"""Where everything is: boxes of lanes and cards, corners of edges, places of texts. All in pixels, y downwards."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from docs.architecture.plan import EDGES, LANES, NODES, Edge, Node, Port

WIDTH = 1080
MARGIN = 34  # at both sides; the long way round goes through it
HEAD = 74  # title and subtitle
LANE_HEAD = 30
PADDING = 16
LANE_GAP = 28
CARD_WIDTH = 166
CARD_HEIGHT = 66
COLUMNS = 5
COLUMN_GAP = (WIDTH - 2 * MARGIN - 2 * PADDING - COLUMNS * CARD_WIDTH) / (COLUMNS - 1)
ROW_GAP = 32
CHANNEL = 14  # between the lowest row and the edge that passes below it
LABEL_SIZE = 12

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of its right side."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of its lower side."""
        return self.y + self.height


@dataclass(frozen=True)
class Route:
    """An edge with its corners, and where its label stands: the middle of the text's foot, or its left end."""

    edge: Edge
    points: tuple[Point, ...]
    label: Point
    centered: bool


def _lane_boxes() -> dict[str, Box]:
    boxes, y = dict[str, Box](), float(HEAD)
    for lane in LANES:
        height = LANE_HEAD + lane.rows * CARD_HEIGHT + (lane.rows - 1) * ROW_GAP + PADDING
        # the edge that passes below the rows needs room
        height += CHANNEL if any(e.via == "below the rows" and e.lane == lane.name for e in EDGES) else 0
        boxes[lane.name] = Box(MARGIN, y, WIDTH - 2 * MARGIN, height)
        y += height + LANE_GAP
    return boxes


LANE_BOXES = _lane_boxes()
HEIGHT = LANE_BOXES[LANES[-1].name].bottom + LANE_GAP


def _card_box(node: Node) -> Box:
    lane = LANE_BOXES[node.lane]
    return Box(
        lane.x + PADDING + node.column * (CARD_WIDTH + COLUMN_GAP),
        lane.y + LANE_HEAD + node.row * (CARD_HEIGHT + ROW_GAP),
        CARD_WIDTH,
        CARD_HEIGHT,
    )


CARD_BOXES = {node.id: _card_box(node) for node in NODES}
_BOXES = {**LANE_BOXES, **CARD_BOXES}
_LANE_OF = {node.id: node.lane for node in NODES}


def routes() -> list[Route]:
    """All edges with their corners."""
    return [_route(edge) for edge in EDGES]


def _route(edge: Edge) -> Route:
    start, end = _point(edge.source), _point(edge.target)
    points = (start, *_corners(edge, start, end), end)
    longest = max(pairwise(points), key=lambda piece: abs(piece[1][0] - piece[0][0]))
    (x0, y0), (x1, _) = longest
    if abs(x1 - x0) > COLUMN_GAP and edge.via != "below the rows":
        return Route(edge, points, ((x0 + x1) / 2, y0 - 7), centered=True)
    down = 1 if end[1] > start[1] else -1
    beside = ROW_GAP / 2 if edge.via == "" else ROW_GAP + CARD_HEIGHT / 2
    return Route(edge, points, (start[0] + 8, start[1] + down * beside + LABEL_SIZE / 3), centered=False)


def _point(port: Port) -> Point:
    box = _BOXES[port.box]
    match port.side:
        case "left" | "right":
            return box.x if port.side == "left" else box.right, box.y + port.at * box.height
        case "top" | "bottom":
            return box.x + port.at * box.width, box.y if port.side == "top" else box.bottom


def _corners(edge: Edge, start: Point, end: Point) -> tuple[Point, ...]:
    (x0, y0), (x1, y1) = start, end
    match edge.via:
        case "left margin":
            return (MARGIN / 2, y0), (MARGIN / 2, y1)
        case "right margin":
            x, y = WIDTH - MARGIN / 2, LANE_BOXES[_LANE_OF[edge.target.box]].y - CHANNEL / 2
            return (x, y0), (x, y), (x1, y)
        case "below the rows":
            y = LANE_BOXES[edge.lane].bottom - PADDING
            return (x0, y), (x1, y)
        case "gap":
            return ((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1)
        case "":
            if x0 == x1 or y0 == y1:
                return ()
            return ((x0, y1),) if edge.source.side in {"top", "bottom"} else ((x1, y0),)
