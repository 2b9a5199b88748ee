"""schemathesis: the OpenAPI description and the service that it describes, held against each other with all checks."""

from __future__ import annotations

from pathlib import Path

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig

from serving.app import create_app

#: that a window has the model's shape, a reading its sensors and a calibration its arrays is beyond what the description
#: can say of all models at once: such a request fits the schema and is refused with 422; 413 likewise
_REFUSED = ["2xx", "404", "413", "422", "503"]


@pytest.fixture(scope="module")
def description(models_dir: Path) -> schemathesis.BaseSchema:
    app: FastAPI = create_app(models_dir)
    config = SchemathesisConfig.from_dict({"checks": {"positive_data_acceptance": {"expected-statuses": _REFUSED}}})
    return schemathesis.openapi.from_asgi("/openapi.json", app, config=config)


schema = schemathesis.pytest.from_fixture("description")


@schema.parametrize()
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_service_does_what_it_describes(case):
    case.call_and_validate()
