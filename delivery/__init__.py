"""Delivery: smoke test, roll-out and rollback of the API on Cloud Run."""
