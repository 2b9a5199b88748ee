"""What the methods are worth on the tasks that they are for: one module for each."""
