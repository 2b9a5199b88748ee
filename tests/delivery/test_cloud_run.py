"""What is read from Cloud Run, written to it, and refused by it."""

from __future__ import annotations

import pytest
from google.cloud import run_v2

from delivery.cloud_run import CloudRun
from delivery.errors import ChoiceError, CloudRunError, ConflictError
from delivery.service import Target
from local.cloud_run.provision import PROJECT, REGION
from local.cloud_run.registry import PLACEHOLDER


def test_latest_is_read_as_the_revision_that_it_means(served):
    state = served.cloud.read()
    assert state.message.traffic[0].type_ == run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
    assert state.traffic == (Target(revision=state.latest_created, percent=100),)


def test_a_deployment_changes_image_labels_and_traffic_and_nothing_else(placeholder, models):
    cloud, push = placeholder.cloud, placeholder.stand_in.registry.push
    before = cloud.read()
    after = cloud.deploy(before, push(models.first, PLACEHOLDER), {"bundle-skab": "better"})
    assert after.latest_created != before.latest_created
    assert after.traffic == before.traffic, "the new revision has none"
    expected = run_v2.RevisionTemplate(before.message.template)
    expected.containers[0].image = push(models.first, PLACEHOLDER)
    expected.labels = {"team": "water", "bundle-skab": "better"}
    assert after.message.template == expected
    assert after.message.template.revision == ""


def test_labels_of_bundles_that_are_served_no_more_go(placeholder, models):
    cloud, push = placeholder.cloud, placeholder.stand_in.registry.push
    first = cloud.deploy(cloud.read(), push(models.first, PLACEHOLDER), {"bundle-skab": "1", "bundle-leak": "1"})
    second = cloud.deploy(first, push(models.first, PLACEHOLDER), {"bundle-skab": "2"})
    assert cloud.revision(second.latest_created).bundles == {"skab": "2"}


def test_a_change_since_it_was_read_is_a_conflict(placeholder, models):
    cloud, old = placeholder.cloud, placeholder.cloud.read()
    cloud.route(old, old.traffic)
    image = placeholder.stand_in.registry.push(models.first, PLACEHOLDER)
    for change in (lambda: cloud.route(old, old.traffic), lambda: cloud.deploy(old, image, {})):
        with pytest.raises(ConflictError, match="changed by somebody else since it was read"):
            change()
    assert len(cloud.revisions()) == 1


def test_a_revision_that_somebody_else_made_meanwhile_is_not_taken_for_ones_own(placeholder, models, monkeypatch):
    cloud, theirs, push = placeholder.cloud, placeholder.cloud, placeholder.stand_in.registry.push
    update = cloud._update

    def raced(service, fields):
        update(service, fields)
        return theirs.deploy(theirs.read(), push(models.better, PLACEHOLDER), {})

    monkeypatch.setattr(cloud, "_update", raced)
    with pytest.raises(ConflictError, match="was made meanwhile"):
        cloud.deploy(cloud.read(), push(models.first, PLACEHOLDER), {})


def test_a_refusal_says_what_cloud_run_said(served):
    state = served.cloud.read()
    with pytest.raises(CloudRunError, match="sum of percents is 60"):
        served.cloud.route(state, [Target(revision=state.latest_created, percent=60)])
    with pytest.raises(CloudRunError, match="does not exist"):
        served.cloud.route(state, [Target(revision="no-such", percent=100)])


def test_a_service_that_was_not_applied_is_named(stand_in):
    with pytest.raises(CloudRunError, match="no-such was not found: is it applied by Terraform"):
        CloudRun(PROJECT, REGION, "no-such", endpoint=stand_in.endpoint).read()


def test_a_revision_that_is_not_there_is_told_with_those_that_are(served):
    name = served.cloud.read().latest_created
    assert served.cloud.revision(name).ready
    with pytest.raises(ChoiceError, match=f"no revision no-such; the newest are {name}"):
        served.cloud.revision("no-such")


def test_whatever_else_the_api_answers_is_one_sentence(deaf):
    with pytest.raises(CloudRunError, match="services/api: Method not found"):
        CloudRun(PROJECT, REGION, "api", endpoint=deaf).read()
