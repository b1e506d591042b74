"""What ``python -m spcl status`` finds out and says: how far the grid of a config is.

`jobs` lists what a config asks for, `logs` reads what a job wrote last, `state` puts a job's files
and log together, `left` estimates the time, `text` words it all.
"""
