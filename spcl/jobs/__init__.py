"""How a job runs: its log, its processor, its benchmark, and jobs that a killed run left running.

Every script runs its work inside `job.job`. What all rules need and what changes no number belongs
here. Only `benchmarks` fills a result table.

It imports `spcl.tables` and `spcl.provenance`. It does not know what a job computes.
"""
