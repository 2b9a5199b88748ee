"""The benchmark: three tables (SKAB, leaks, frauds), run by one command and written where people read them.

`tables` declares what each holds. `contest` trains, judges and scores; `measures` counts; `goals` compares with what
was asked; `results` keeps a table as JSON; `report` and `readme` write the documents from what was kept.
"""
