"""Where profiles are kept: the shipped ones beside this module, and a user's own YAML anywhere."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import ValidationError

from aiot_anomaly.errors import ProfileError
from aiot_anomaly.profile import Profile

_SHIPPED = files("aiot_anomaly") / "profiles"


def shipped() -> tuple[str, ...]:
    """The names of the profiles that this package ships, sorted."""
    return tuple(sorted(p.name.removesuffix(".yaml") for p in _SHIPPED.iterdir() if p.name.endswith(".yaml")))


def load(name_or_path: str | Path) -> Profile:
    """Reads a shipped profile by name, or any by the path of its YAML file.

    Raises:
        ProfileError: there is no such profile, or it is not valid; the text lists every fault.
    """
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"}:
        if not path.is_file():
            raise ProfileError(f"no profile file {path}")
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as e:
            raise ProfileError(f"{path} is not UTF-8 text: {e}") from None
    elif str(name_or_path) in shipped():
        text = (_SHIPPED / f"{name_or_path}.yaml").read_text(encoding="utf-8")
    else:
        raise ProfileError(
            f"no profile {str(name_or_path)!r}; shipped are {', '.join(shipped())}, or name a .yaml file",
            code="unknown_profile",
        )
    return parse(text, source=str(name_or_path))


def parse(text: str, *, source: str = "profile") -> Profile:
    """Reads a profile from YAML text.

    Raises:
        ProfileError: it is not YAML, or not a valid profile; the text lists every fault.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as e:
        raise ProfileError(f"{source} is not YAML: {e}") from None
    if not isinstance(data, dict):
        raise ProfileError(f"{source} holds {type(data).__name__}, expected a mapping of profile fields")
    try:
        # in JSON mode strictness takes lists for tuples and still refuses "1" for 1
        return Profile.model_validate_json(json.dumps(data, default=str))
    except ValidationError as e:
        faults = "; ".join(
            f"{'.'.join(str(p) for p in f['loc']) or 'profile'}: {f['msg']}" for f in e.errors(include_url=False)
        )
        raise ProfileError(f"{source} is not a valid profile: {faults}") from None
    except (TypeError, ValueError) as e:  # YAML knows what JSON does not: a date as a key, a mapping that holds itself
        raise ProfileError(f"{source} is not a valid profile: {e}") from None
