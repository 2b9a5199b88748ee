"""The function between Pub/Sub and the API: readings in, decisions out."""
