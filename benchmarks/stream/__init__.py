"""The function between Pub/Sub and the API, beside the least that a function in its place could do."""
