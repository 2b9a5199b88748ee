"""Where profiles are kept: the shipped ones beside this module, and a user's own YAML anywhere."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.errors import ProfileError
from aiot_anomaly.profile import Profile

_SHIPPED = files("aiot_anomaly") / "profiles"
#: the section of a profile's file that says how the recording is laid out that it is trained on
RECORDING = "recording"
Kind = TypeVar("Kind", bound=BaseModel)


def shipped() -> tuple[str, ...]:
    """The names of the profiles that this package ships, sorted."""
    return tuple(sorted(p.name.removesuffix(".yaml") for p in _SHIPPED.iterdir() if p.name.endswith(".yaml")))


def load(name_or_path: str | Path) -> Profile:
    """Reads a shipped profile by name, or any by the path of its YAML file.

    Raises:
        ProfileError: there is no such profile, or it is not valid; the text lists every fault.
    """
    return parse(_text(name_or_path), source=str(name_or_path))


def layout(name_or_path: str | Path) -> Layout:
    """How the recording of a profile is laid out: the section `recording` of its file, or the usual layout.

    Raises:
        ProfileError: there is no such profile, or the section is not valid; the text lists every fault.
    """
    source = str(name_or_path)
    section = _mapping(_text(name_or_path), source).get(RECORDING)
    return (
        Layout() if section is None else _validated(Layout, section, f"the section {RECORDING} of {source}", "layout")
    )


def is_path(name_or_path: str | Path) -> bool:
    """Whether a profile is named by the path of its file, and not as one of the shipped."""
    return Path(name_or_path).suffix in {".yaml", ".yml"}


def _text(name_or_path: str | Path) -> str:
    path = Path(name_or_path)
    if is_path(name_or_path):
        if not path.is_file():
            raise ProfileError(f"no profile file {path}")
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as e:
            raise ProfileError(f"{path} is not UTF-8 text: {e}") from None
    if str(name_or_path) in shipped():
        return (_SHIPPED / f"{name_or_path}.yaml").read_text(encoding="utf-8")
    raise ProfileError(
        f"no profile {str(name_or_path)!r}; shipped are {', '.join(shipped())}, or name a .yaml file",
        code="unknown_profile",
    )


def parse(text: str, *, source: str = "profile") -> Profile:
    """Reads a profile from YAML text; the section `recording` is no part of it.

    Raises:
        ProfileError: it is not YAML, or not a valid profile; the text lists every fault.
    """
    document = {k: v for k, v in _mapping(text, source).items() if k != RECORDING}
    return _validated(Profile, document, source, "profile")


def _mapping(text: str, source: str) -> dict[Any, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as e:
        raise ProfileError(f"{source} is not YAML: {e}") from None
    if not isinstance(document, dict):
        raise ProfileError(f"{source} holds {type(document).__name__}, expected a mapping of profile fields")
    return document


def _validated(kind: type[Kind], document: Any, source: str, noun: str) -> Kind:
    try:
        # in JSON mode strictness takes lists for tuples and still refuses "1" for 1
        return kind.model_validate_json(json.dumps(document, default=str))
    except ValidationError as e:
        faults = "; ".join(
            f"{'.'.join(str(p) for p in f['loc']) or noun}: {f['msg']}" for f in e.errors(include_url=False)
        )
        raise ProfileError(f"{source} is not a valid {noun}: {faults}") from None
    except (TypeError, ValueError) as e:  # YAML knows what JSON does not: a date as a key, a mapping that holds itself
        raise ProfileError(f"{source} is not a valid {noun}: {e}") from None
