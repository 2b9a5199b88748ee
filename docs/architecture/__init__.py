"""The architecture's picture, drawn from what is declared in `plan`."""
