"""The decision by counts alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from delivery.verdict import Limits, RequestCount, judge, tail

LIMITS = Limits(least_requests=100, tolerance=0.01, significance=0.01)
ORDER = {"healthy": 0, "too_few": 1, "failing": 2}


@st.composite
def counts(draw: st.DrawFn, most: int = 5_000) -> RequestCount:
    requests = draw(st.integers(0, most))
    return RequestCount(requests=requests, failures=draw(st.integers(0, requests)))


@given(new=counts(), old=counts(), more=st.integers(1, 50))
def test_more_failures_never_make_a_failing_revision_pass(new, old, more):
    worse = RequestCount(requests=new.requests + more, failures=new.failures + more)
    if judge(new, old, LIMITS).kind == "failing":
        assert judge(worse, old, LIMITS).kind == "failing"


@given(new=counts(), old=counts(), more=st.integers(1, 50))
def test_a_worse_old_revision_never_makes_the_new_one_fail(new, old, more):
    worse = RequestCount(requests=old.requests + more, failures=old.failures + more)
    assert ORDER[judge(new, worse, LIMITS).kind] <= ORDER[judge(new, old, LIMITS).kind]


@given(count=counts())
def test_a_revision_that_fails_as_often_as_the_old_one_is_not_failing(count):
    assert judge(count, count, LIMITS).kind != "failing"


@given(requests=st.integers(0, 10_000), old=counts())
def test_a_revision_without_failures_passes_as_soon_as_it_has_enough_requests(requests, old):
    kind = judge(RequestCount(requests=requests), old, LIMITS).kind
    assert kind == ("healthy" if requests >= LIMITS.least_requests else "too_few")


@given(new=counts(), old=counts())
def test_a_rate_within_the_tolerance_never_fails(new, old):
    if new.rate <= old.rate + LIMITS.tolerance:
        assert judge(new, old, LIMITS).kind != "failing"


@given(trials=st.integers(0, 3_000), successes=st.integers(0, 3_000), probability=st.floats(1e-4, 0.999))
def test_the_tail_is_the_binomial_distributions(trials, successes, probability):
    assert tail(successes, trials, probability) == pytest.approx(
        binom.sf(successes - 1, trials, probability), rel=1e-6, abs=1e-12
    )


@pytest.mark.parametrize(
    ("new", "old", "kind"),
    [
        ((3, 3), (900, 0), "failing"),  # few requests are enough where all of them fail
        ((5, 1), (900, 0), "too_few"),  # one failure may be chance
        ((1_000, 10), (9_000, 9), "healthy"),  # within the tolerance of one in a hundred
        ((1_000, 40), (9_000, 9), "failing"),
        ((1_000, 300), (9_000, 2_700), "healthy"),  # the old one is no better: an outage of something else
        ((200, 0), (0, 0), "healthy"),  # nothing to compare with
        ((200, 20), (0, 0), "failing"),
        ((0, 0), (0, 0), "too_few"),
    ],
)
def test_examples(new, old, kind):
    verdict = judge(
        RequestCount(requests=new[0], failures=new[1]), RequestCount(requests=old[0], failures=old[1]), LIMITS
    )
    assert verdict.kind == kind
    assert f"{new[1]:,} of {new[0]:,} failed" in verdict.because
