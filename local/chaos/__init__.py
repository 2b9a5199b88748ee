"""The same input with and without crashes and outages: what was decided must be the same."""
