"""Records of what a result was made from, and the decision which results are outdated.

Every table contains the record of the job that wrote it (`record`): rule, settings, a digest of the
code that decides numbers (`code`), and a digest of each input (`inputs`; of a raw corpus:
`corpora`). The record is stored in the table's `footer`. Before each run, `plan` compares the
records with the present config, code and data, and `triggers` makes Snakemake rerun the jobs whose
results are outdated. `environment` records versions, device and commit, which are not compared.

May import `spcl.errors` and `spcl.study`, and pyarrow to open a table. It does not know what the
numbers mean. The Snakefile imports `triggers` and all that it needs, so no module imports torch at
its top level.
"""
