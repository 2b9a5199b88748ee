"""What the function is told by its environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from functions.errors import SettingsError

Seconds = Annotated[float, Field(gt=0, le=600)]
_DATABASE = re.compile(r"\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9]")
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
    #: keeps each device's state: `firestore:` and the id of a database of the project, or the path of an SQLite file
    store: str = Field(min_length=1)
    decisions_topic: Topic = "decisions"
    parked_topic: Topic = "readings-parked"
    #: one attempt of an API call
    api_timeout_s: Seconds = 10.0
    #: an API call with its retries
    api_deadline_s: Seconds = 12.0
    #: publishing the decisions of one message, with retries
    publish_timeout_s: Seconds = 10.0
    #: one read or write of the store, with retries
    store_timeout_s: Seconds = 3.0

    @field_validator("api_url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @field_validator("store")
    @classmethod
    def _of_a_known_kind(cls, store: str) -> str:
        kind, colon, name = store.partition(":")
        if colon and "/" not in kind and kind != "firestore":
            raise ValueError(f"there is no store of kind {kind!r}; expected firestore:<database>, or a path")
        if kind == "firestore" and not _DATABASE.fullmatch(name):
            raise ValueError(
                f"{name!r} is no id of a Firestore database; expected firestore:(default), or firestore: and 4 to 63 "
                "lower-case letters, digits and hyphens, beginning with a letter, such as firestore:aiot"
            )
        return store

    @property
    def firestore_database(self) -> str | None:
        """The id of the Firestore database, None where `store` is the path of an SQLite file."""
        return self.store.removeprefix("firestore:") if self.store.startswith("firestore:") else None

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
