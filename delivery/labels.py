"""The labels of a revision: what it serves and where it is from."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiot_anomaly.bundle import Bundle
from delivery.errors import ChoiceError

#: a label `bundle-<profile>` names the version of the bundle
BUNDLE = "bundle-"
COMMIT = "commit"
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


def of(bundles: Sequence[Bundle], commit: str | None) -> dict[str, str]:
    """The labels that say what a revision serves and where it is from.

    Raises:
        ChoiceError: Cloud Run allows no such label.
    """
    labels = {f"{BUNDLE}{b.profile.name}": b.version for b in bundles}
    if commit:
        labels[COMMIT] = commit
    for key, value in labels.items():
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            raise ChoiceError(
                f"found label {key}={value}, expected at most 63 lower-case letters, digits, - and _: rename it"
            )
    return labels
