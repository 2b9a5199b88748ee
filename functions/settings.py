"""What the function is told by its environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from functions.errors import SettingsError

Seconds = Annotated[float, Field(gt=0, le=600)]
Topic = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9\-._~+%]{2,254}$")]


class Settings(BaseModel):
    """Each field is read from the environment variable of its name in capitals.

    The defaults of the timeouts add up to less than the subscription's acknowledgement deadline of 60 seconds,
    so that an attempt has ended before Pub/Sub makes the next.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: where the API answers; an https address is called with an ID token
    api_url: str = Field(pattern=r"^https?://[^/]+.*$")
    #: of the topics; GOOGLE_CLOUD_PROJECT where it is not given
    project: str = Field(min_length=1)
    #: path of the SQLite database that keeps each device's state
    store: str = Field(min_length=1)
    decisions_topic: Topic = "decisions"
    parked_topic: Topic = "readings-parked"
    #: one attempt of an API call
    api_timeout_s: Seconds = 10.0
    #: an API call with its retries
    api_deadline_s: Seconds = 20.0
    #: publishing the decisions of one message, with retries
    publish_timeout_s: Seconds = 10.0
    #: waiting for another writer of the store
    store_timeout_s: Seconds = 5.0

    @field_validator("api_url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Reads the settings; variables of other names are not looked at.

        Raises:
            SettingsError: one is missing or not valid; the text names the first.
        """
        given = {field: environ[field.upper()] for field in cls.model_fields if environ.get(field.upper())}
        if "project" not in given and environ.get("GOOGLE_CLOUD_PROJECT"):
            given["project"] = environ["GOOGLE_CLOUD_PROJECT"]
        try:
            return cls.model_validate(given)
        except ValidationError as e:
            fault = e.errors(include_url=False)[0]
            name = str(fault["loc"][0]).upper()
            found = f"is {environ[name]!r}" if environ.get(name) else "is not set"
            raise SettingsError(f"environment variable {name} {found}: {fault['msg']}") from None
