"""Who gets the next request, and what a change of a service leads to; no process is started."""

from __future__ import annotations

from collections import Counter

import grpc
import pytest
from google.cloud.run_v2 import types
from hypothesis import given
from hypothesis import strategies as st

from local.cloud_run.errors import RefusalError
from local.cloud_run.registry import Registry
from local.cloud_run.service import LATEST, NAMED, Service

NAME = "projects/p/locations/r/services/api"


def made(tmp_path) -> Service:
    proto = types.Service.pb()(name=NAME)
    proto.template.containers.add(image="one")
    return Service(proto, "http://front/services/api", Registry(tmp_path), tmp_path)


@st.composite
def shares(draw: st.DrawFn) -> list[int]:
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=1, max_size=4)))
    return [b - a for a, b in zip([0, *cuts], [*cuts, 100], strict=True)]


@given(percents=shares())
def test_of_a_hundred_requests_each_revision_gets_its_percent(percents, tmp_path_factory):
    service = made(tmp_path_factory.getbasetemp())
    del service.proto.traffic[:]
    for i, percent in enumerate(percents):
        service.proto.traffic.add(type_=NAMED, revision=f"api-{i}", percent=percent)
    got = Counter(service.next() for _ in range(100))
    assert [got[f"api-{i}"] for i in range(len(percents))] == percents


def test_a_tenth_is_every_tenth_and_not_ten_in_a_row(tmp_path):
    service = made(tmp_path)
    del service.proto.traffic[:]
    service.proto.traffic.add(type_=NAMED, revision="old", percent=90)
    service.proto.traffic.add(type_=NAMED, revision="new", percent=10)
    chosen = [service.next() for _ in range(100)]
    assert all(chosen[at : at + 10].count("new") == 1 for at in range(0, 100, 10))


def test_only_a_changed_template_makes_a_revision(tmp_path):
    service = made(tmp_path)
    first = service.add()
    wanted = types.Service.pb()()
    wanted.CopyFrom(service.proto)
    assert service.change(wanted, {"template", "traffic"}) is None
    wanted.etag = ""
    wanted.template.containers[0].image = "two"
    assert service.change(wanted, {"traffic"}) is None, "the mask names no template"
    assert service.change(wanted, {"template"}) not in {None, first}


def test_a_name_in_the_template_stands_in_the_way_of_the_next_change(tmp_path):
    """Why delivery names no revision: Terraform's next change of anything would meet this."""
    service = made(tmp_path)
    wanted = types.Service.pb()()
    wanted.CopyFrom(service.proto)
    wanted.etag = ""
    wanted.template.revision = "api-named"
    wanted.template.containers[0].image = "two"
    assert service.change(wanted, {"template"}) == "api-named"
    wanted.template.service_account = "another"
    with pytest.raises(RefusalError, match="with different configuration already exists") as refused:
        service.change(wanted, {"template"})
    assert refused.value.status == grpc.StatusCode.ALREADY_EXISTS


@pytest.mark.parametrize(
    ("traffic", "said"),
    [
        ([("", 60)], "sum of percents is 60"),
        ([("no-such", 100)], "'no-such' does not exist"),
        ([("", 100, "a"), ("", 0, "a")], "not unique"),
        ([("", 100, "Not-A-Tag")], "not unique names"),
    ],
)
def test_traffic_that_cannot_be_is_refused_and_nothing_changes(tmp_path, traffic, said):
    service = made(tmp_path)
    service.add()
    before = service.proto.SerializeToString(deterministic=True)
    wanted = types.Service.pb()()
    for revision, percent, *tag in traffic:
        kind = NAMED if revision else LATEST
        wanted.traffic.add(type_=kind, revision=revision, percent=percent, tag=tag[0] if tag else "")
    with pytest.raises(RefusalError, match=said):
        service.change(wanted, {"traffic"})
    assert service.proto.SerializeToString(deterministic=True) == before
