"""What stands beside the network in every table: chance, textbook methods, and the rules of thumb of utilities.

Each module's functions make a `judging.Judge`. None looks ahead: a score depends on readings up to the window's end,
and what is normal is learned from readings that are known to be.
"""
