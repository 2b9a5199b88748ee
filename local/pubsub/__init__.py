"""Pub/Sub on one machine: an embedded server, the official emulator where it is installed, and the resources."""
