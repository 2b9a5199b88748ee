"""The API's speed under load, beside the same model behind other servers."""
