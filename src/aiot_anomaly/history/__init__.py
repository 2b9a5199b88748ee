"""History too large for a stream: recordings of any length, scored piece by piece as the stream would have decided."""
