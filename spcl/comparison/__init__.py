"""Two sets of numbers side by side: two runs of the grid, or a run and published scores.

`run` finds the files, `cells` and `published` make one row a cell, `runs_table` and
`published_table` show them, `provenance` says what differs around them, `figure` draws the
differences, `terminal` prints.
"""
