"""What a fleet of any size asks of each part, what that costs, and which part gives way first."""
