"""Roll-outs of real API processes on the stand-in, through the official clients."""

from __future__ import annotations

import pytest

from delivery import labels, smoke
from delivery.errors import ChoiceError, CloudRunError, ConflictError
from delivery.rollout import CANDIDATE, PREVIOUS, Policy, Rollout, serving
from delivery.service import Target
from delivery.verdict import Limits
from local.cloud_run.load import Load
from local.cloud_run.registry import FAULTY
from tests.delivery.conftest import QUICK

AT_ONCE = Policy(watch_s=0, delay_s=0)


def test_the_first_delivery_takes_over_from_the_placeholder_at_once(placeholder, models):
    bundles = smoke.load(models.first)
    before = serving(placeholder.cloud.read())
    found = placeholder.rollout(bundles, AT_ONCE).run(
        placeholder.stand_in.registry.push(models.first), labels.of(bundles, "c" * 40)
    )
    assert found.promoted, found.because
    assert found.before == before
    assert list(found.verdicts) == [100]
    assert placeholder.traffic() == {found.revision: 100}
    assert not placeholder.tags(), "a rollback must not lead to a placeholder"
    revision = placeholder.cloud.revision(found.revision)
    assert revision.commit == "c" * 40
    assert revision.bundles == {"skab": bundles[0].version}
    assert revision.labels["team"] == "water", "what others have labelled stays"
    assert smoke.run(placeholder.url, bundles).passed


def test_a_good_revision_takes_over_step_by_step_and_no_request_fails(delivered, models):
    bundles, before = smoke.load(models.better), serving(delivered.cloud.read())
    with Load(delivered.url, bundles[0]) as load:
        found = delivered.rollout(bundles).run(
            delivered.stand_in.registry.push(models.better), labels.of(bundles, "b" * 40)
        )
    assert found.promoted, found.because
    assert {percent: v.kind for percent, v in found.verdicts.items()} == {10: "healthy", 100: "healthy"}
    assert load.failures == 0
    assert load.requests > 50
    assert load.versions["better"] > 0
    state = delivered.cloud.read()
    assert state.traffic == (Target(revision=found.revision, percent=100), Target(revision=before, tag=PREVIOUS))
    assert state.message.template.revision == "", "a name would make Terraform's next change fail"


def test_a_failed_smoke_test_leaves_the_traffic_untouched(delivered, models):
    bundles, before = smoke.load(models.better), delivered.cloud.read().traffic
    found = delivered.rollout(bundles).run(delivered.stand_in.registry.push(models.other), labels.of(bundles, None))
    assert not found.promoted
    assert not found.verdicts
    assert "golden scores" in found.because
    assert [(t.revision, t.percent) for t in delivered.cloud.read().traffic] == [(before[0].revision, 100)]
    assert smoke.run(delivered.url, smoke.load(models.first)).passed


def test_a_revision_that_does_not_start_leaves_the_traffic_untouched(delivered, models, tmp_path):
    (tmp_path / "skab").mkdir()
    before, bundles = delivered.traffic(), smoke.load(models.better)
    found = delivered.rollout(bundles).run(delivered.stand_in.registry.push(tmp_path), labels.of(bundles, None))
    assert not found.promoted
    assert "not deployed, traffic untouched" in found.because
    assert "is not ready and cannot serve traffic" in found.because
    assert delivered.traffic() == before

    # the same once more: Cloud Run makes no revision, and the latest is the one that did not start
    again = delivered.rollout(bundles).run(delivered.stand_in.registry.push(tmp_path), labels.of(bundles, None))
    assert not again.promoted
    assert again.smoke is None
    assert "not deployed, traffic untouched" in again.because
    assert "is not ready and cannot serve traffic" in again.because


def test_errors_at_the_first_step_roll_back_before_the_watch_ends(delivered, models):
    bundles, before = smoke.load(models.better), delivered.traffic()
    patient = QUICK.model_copy(update={"watch_s": 60.0})
    with Load(delivered.url, bundles[0]):
        found = delivered.rollout(bundles, patient).run(
            delivered.stand_in.registry.push(models.better, FAULTY), labels.of(bundles, None)
        )
    assert not found.promoted
    assert {percent: v.kind for percent, v in found.verdicts.items()} == {10: "failing"}
    assert delivered.traffic() == before
    assert CANDIDATE not in delivered.tags()


def test_silence_is_no_reason_to_stop_unless_asked_for(delivered, models):
    bundles, before = smoke.load(models.better), delivered.traffic()
    image = delivered.stand_in.registry.push(models.better)
    strict = Policy(watch_s=0, delay_s=0, when_quiet="rollback", limits=Limits(least_requests=1_000))
    found = delivered.rollout(bundles, strict).run(image, labels.of(bundles, "b" * 40))
    assert not found.promoted
    assert "expected at least 1000 requests" in found.because
    assert delivered.traffic() == before

    # the same image once more: the revision is there, and gets its second trial
    again = delivered.rollout(bundles, AT_ONCE).run(image, labels.of(bundles, "b" * 40))
    assert again.promoted
    assert again.revision == found.revision
    assert {v.kind for v in again.verdicts.values()} == {"too_few"}


def test_an_image_that_serves_already_is_only_tested(served, models):
    bundles, before = smoke.load(models.first), served.cloud.read()
    found = served.rollout(bundles).run(served.stand_in.registry.push(models.first), labels.of(bundles, "a" * 40))
    assert found.promoted
    assert "already" in found.because
    assert served.traffic() == {serving(before): 100}


def test_a_change_by_somebody_else_stops_the_roll_out_and_stays(delivered, models):
    bundles, before = smoke.load(models.better), serving(delivered.cloud.read())

    def tested(url, audience):
        report = smoke.run(url, bundles)
        # after the test, so that the next write is the one that collides
        delivered.cloud.route(delivered.cloud.read(), [Target(revision=before, percent=100, tag="theirs")])
        return report

    with pytest.raises(ConflictError, match="changed by somebody else"):
        Rollout(delivered.cloud, delivered.metrics, tested, QUICK).run(
            delivered.stand_in.registry.push(models.better), labels.of(bundles, None)
        )
    assert delivered.traffic() == {before: 100}
    assert delivered.tags() == {"theirs"}


def test_where_the_traffic_cannot_be_restored_the_error_says_what_to_run(delivered, models, monkeypatch):
    monkeypatch.setattr("delivery.rollout.RESTORE_ATTEMPTS", 2)
    bundles, cloud = smoke.load(models.better), delivered.cloud

    class Down:
        def count(self, revision, since):
            monkeypatch.setattr(cloud, "read", gone)
            raise CloudRunError("Cloud Monitoring does not answer")

    def gone():
        raise CloudRunError("the service does not answer")

    with pytest.raises(CloudRunError, match=r"may still get traffic, run: .*--unfinished; the service does not answer"):
        Rollout(cloud, Down(), lambda url, _: smoke.run(url, bundles), QUICK).run(
            delivered.stand_in.registry.push(models.better), labels.of(bundles, None)
        )


def test_a_crash_in_the_middle_restores_the_traffic(delivered, models):
    bundles, before = smoke.load(models.better), delivered.traffic()

    class Broken:
        def count(self, revision, since):
            raise RuntimeError("a fault of delivery itself")

    rollout = Rollout(delivered.cloud, Broken(), lambda url, _: smoke.run(url, bundles), QUICK)
    with pytest.raises(RuntimeError, match="a fault of delivery itself"):
        rollout.run(delivered.stand_in.registry.push(models.better), labels.of(bundles, None))
    assert delivered.traffic() == before
    assert CANDIDATE not in delivered.tags()


def test_an_image_by_tag_is_refused(served, models):
    with pytest.raises(ChoiceError, match="expected one by digest"):
        served.rollout(smoke.load(models.first)).run("repository/serving:latest", {})
