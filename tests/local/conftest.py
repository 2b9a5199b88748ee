from __future__ import annotations

import os

import pytest

from local.pubsub import emulator


@pytest.fixture(params=["embedded", "official"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each Pub/Sub that there can be on this machine."""
    if request.param == "official" and emulator.find_official() is None:
        assert os.environ.get("AIOT_REQUIRE_EMULATOR") != "1", "the official Pub/Sub emulator must be here"
        pytest.skip("the official Pub/Sub emulator is not installed (gcloud components install pubsub-emulator)")
    return str(request.param)
