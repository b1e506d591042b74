"""How far the grid of a config is: what ``python -m spcl status`` finds and prints.

It reads the files and logs that jobs leave and changes nothing. It imports `spcl.study`,
`spcl.jobs` and `spcl.report.formats`.
"""
