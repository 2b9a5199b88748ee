"""What a month costs: the quantities that the system uses, and the public list prices."""
