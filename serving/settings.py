"""What a deployment may set, from environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aiot_anomaly.errors import AIoTError


class SettingsError(AIoTError):
    """An environment variable does not hold what it must."""

    code = "invalid_settings"


_Route = Annotated[str, Field(pattern=r"^(/[^{}\s]*)?$")]


class Settings(BaseModel):
    """Each field is read from the environment variable of its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: each folder in it is a bundle
    models_dir: Path = Path(__file__).parent / "models"
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535)
    #: a larger request body is refused: 1024 windows of 500 numbers take 10 MB
    max_body_bytes: int = Field(default=16 * 1024 * 1024, ge=1)
    #: of all bodies above 64 KiB together that are held at once; a request beyond it is refused with 503
    max_bytes_in_flight: int = Field(default=32 * 1024 * 1024, ge=1)
    #: a request whose body has not come after this time is refused with 408
    body_timeout_s: float = Field(default=30.0, gt=0)
    #: batches, or requests of raw readings, that are worked on at once, each on one core; further ones wait
    inference_threads: int = Field(default=2, ge=1, le=64)
    #: a request that is expected to wait longer than this for its turn is refused with 503 and Retry-After
    max_queue_ms: int = Field(default=200, ge=1)
    #: for how long a request may be worked on; a client may ask for less by the header X-Request-Timeout-Ms
    request_timeout_ms: int = Field(default=5_000, ge=1)
    #: after SIGTERM, for how long requests are still taken, while readiness says 503
    drain_ms: int = Field(default=1_000, ge=0, le=9_000)
    #: one log line for each request
    access_log: bool = False
    #: the model of requests that may leave it out (MLflow's and Vertex AI's); the only one needs not be named
    default_profile: str = ""
    #: whose traces the log lines name
    google_cloud_project: str = ""
    #: Vertex AI names these to its containers
    aip_http_port: int | None = Field(default=None, ge=0, le=65_535)
    aip_health_route: _Route = ""
    aip_predict_route: _Route = ""


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: a variable does not hold what it must; the text names it.
    """
    given = {name: environment[name.upper()] for name in Settings.model_fields if environment.get(name.upper())}
    try:
        found = Settings.model_validate(given)
        # where there is one, it is meant
        return found if found.aip_http_port is None else found.model_copy(update={"port": found.aip_http_port})
    except ValidationError as e:
        fault = e.errors(include_url=False)[0]
        name = str(fault["loc"][0])
        raise SettingsError(f"{name.upper()}={given[name]!r}: {fault['msg']}") from None
