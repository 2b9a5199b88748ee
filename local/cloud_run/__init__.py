"""Cloud Run and its request counts on one machine, spoken to by the official clients, and a rehearsal of a roll-out."""
