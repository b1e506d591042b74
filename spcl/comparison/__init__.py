"""Compare two runs of the grid, or a run with published scores.

`run` finds the files, `cells` and `pairs` compare the cells of two runs, `published` reads
published scores. `runs_table` and `published_table` make the tables, `provenance` lists what else
differs, `figure` draws the differences, `terminal` prints.

It imports `spcl.report` for statistics, tables and figures. Curricula of one run are compared in
`spcl.report`, not here.
"""
