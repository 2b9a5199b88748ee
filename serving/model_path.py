"""The address of a model."""

from __future__ import annotations

from starlette.convertors import StringConvertor, register_url_convertor


class _ModelConvertor(StringConvertor):
    # without the colon, `skab:predict` is no model's name, and GET on it is refused as a wrong method
    regex = "[^/:]+"


# routes compile their paths when they are declared, so this comes before any of them
register_url_convertor("model", _ModelConvertor())

MODEL_PATH = "/v1/models/{profile:model}"
