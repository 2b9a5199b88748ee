from __future__ import annotations

import functools
import re
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from docs.architecture import drawing, layout
from docs.architecture.layout import CARD_BOXES, LANE_BOXES, Box, Point
from docs.architecture.plan import EDGES, LANES, NODES, Node

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "architecture.svg"
TERRAFORM = "\n".join(p.read_text(encoding="utf-8") for p in sorted((ROOT / "terraform").glob("*.tf")))
RESOURCES = set(re.findall(r'^resource "(\w+)" "(\w+)"', TERRAFORM, re.MULTILINE))
#: who may do what, switches and contents: they belong to the resources on the picture and are none themselves
PARTS = re.compile(
    r"_iam_member$|_iam_custom_role$|^google_project_service$|^google_storage_bucket_object$|^google_project_service_identity$|^random_|^time_"
)
SVG = "{http://www.w3.org/2000/svg}"


@functools.cache
def text_box(text: str, x: float, y: float, size: float, *, bold: bool = False, centered: bool = False) -> Box:
    # DejaVu is wider than the fonts that come before it in the picture's list
    extent = TextPath(
        (0, 0), text, size=size, prop=FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    )
    bounds = extent.get_extents()
    return Box(x - bounds.width / 2 if centered else x, y - bounds.y1, bounds.width, bounds.height)


@functools.cache
def label_boxes() -> dict[str, Box]:
    labels = {
        r.edge.label: text_box(r.edge.label, *r.label, layout.LABEL_SIZE, centered=r.centered)
        for r in layout.routes()
        if r.edge.label
    }
    titles = {
        lane.title: text_box(
            lane.title, LANE_BOXES[lane.name].x + layout.PADDING, LANE_BOXES[lane.name].y + 20, 13, bold=True
        )
        for lane in LANES
    }
    return labels | titles


def crosses(piece: tuple[Point, Point], box: Box, room: float = 0.0) -> bool:
    (x0, y0), (x1, y1) = piece
    return (
        min(x0, x1) < box.right + room
        and max(x0, x1) > box.x - room
        and min(y0, y1) < box.bottom + room
        and max(y0, y1) > box.y - room
    )


def overlap(a: Box, b: Box) -> bool:
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom


def test_drawing_again_gives_the_committed_picture() -> None:
    assert drawing.svg() == PICTURE.read_text(encoding="utf-8"), "run `make architecture`"


def test_the_picture_is_small_has_real_text_and_says_what_it_shows() -> None:
    assert PICTURE.stat().st_size < 60_000
    root = ET.parse(PICTURE).getroot()
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert root.attrib["aria-labelledby"].split() == [title.attrib["id"], description.attrib["id"]]
    texts = {"".join(t.itertext()) for t in root.iter(f"{SVG}text")}
    assert {word for n in NODES for word in (n.service, n.name, n.note)} <= texts
    background = root.find(f"{SVG}rect")
    assert background is not None
    assert background.attrib["fill"] == "#ffffff"


def test_every_text_fits_into_its_card() -> None:
    room = layout.CARD_WIDTH - drawing.INSET - 6
    too_wide = {
        text: round(width)
        for node in NODES
        for text, (size, weight, _) in (
            (node.service, drawing.SERVICE_LINE),
            (node.name, drawing.NAME_LINE),
            (node.note, drawing.NOTE_LINE),
        )
        if (width := text_box(text, 0, 0, size, bold=weight > 400).width) > room
    }
    assert not too_wide


def test_no_edge_crosses_a_card_a_text_or_runs_along_another_edge() -> None:
    routes = layout.routes()
    for route in routes:
        name = f"{route.edge.source.box} -> {route.edge.target.box}"
        for piece in pairwise(route.points):
            assert not [n for n, box in CARD_BOXES.items() if crosses(piece, box)], name
            assert not [text for text, box in label_boxes().items() if crosses(piece, box, room=1.5)], name
            assert piece[0][0] == piece[1][0] or piece[0][1] == piece[1][1], f"{name} is slanted"
    for one, other in combinations(routes, 2):
        for a in pairwise(one.points):
            for b in pairwise(other.points):
                box = Box(min(b[0][0], b[1][0]), min(b[0][1], b[1][1]), abs(b[0][0] - b[1][0]), abs(b[0][1] - b[1][1]))
                assert not crosses(a, box, room=3), f"{one.edge} and {other.edge}"


def test_no_text_lies_on_a_card_or_another_text() -> None:
    boxes = label_boxes()
    assert not [(text, n) for text, box in boxes.items() for n, card in CARD_BOXES.items() if overlap(box, card)]
    assert not [(a, b) for a, b in combinations(boxes, 2) if overlap(boxes[a], boxes[b])]


@pytest.mark.parametrize("node", NODES, ids=lambda n: n.id)
def test_what_a_card_stands_for_is_in_the_configuration(node: Node) -> None:
    named = {tuple(r.split(".")) for r in node.resources}
    for resource in named:
        assert [r for r in RESOURCES if r[: len(resource)] == resource], f"no {'.'.join(resource)} in terraform/*.tf"


def test_every_resource_of_the_configuration_is_on_a_card() -> None:
    shown = {tuple(r.split(".")) for n in NODES for r in n.resources}
    left_out = {r for r in RESOURCES if not PARTS.search(r[0]) and not {r, r[:1]} & shown}
    assert not left_out


def test_every_api_that_is_enabled_is_used_by_a_card() -> None:
    enabled = set(re.findall(r'"(\w+\.googleapis\.com)"', (ROOT / "terraform/services.tf").read_text(encoding="utf-8")))
    plumbing = {"cloudresourcemanager.googleapis.com", "serviceusage.googleapis.com"}
    assert enabled - plumbing == {api for n in NODES for api in n.apis}


def test_every_topic_is_on_a_card() -> None:
    topics = re.search(r"\n  topics = \{\n(.*?)\n  \}", TERRAFORM, re.DOTALL)
    assert topics
    names = set(re.findall(r"^    ([\w-]+)\s*=", topics.group(1), re.MULTILINE))
    assert names
    assert names == {n.name for n in NODES if "google_pubsub_topic" in n.resources}


def test_every_edge_joins_two_places() -> None:
    places = set(CARD_BOXES) | set(LANE_BOXES)
    assert {p.box for e in EDGES for p in (e.source, e.target)} <= places
    joined = {p.box for e in EDGES for p in (e.source, e.target)}
    assert set(CARD_BOXES) <= joined
