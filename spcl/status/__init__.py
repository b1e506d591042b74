"""The progress of a config's grid: what ``python -m spcl status`` reads and prints.

It reads the files and logs of jobs and changes nothing. It imports `spcl.study`, `spcl.jobs` and
`spcl.report.formats`.
"""
