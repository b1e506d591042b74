"""What a result is made of, and whether it is still what the config asks for.

Every table carries the record of the job that made it (`record`): rule, settings, a digest of the
code that decides numbers (`code`), and the content of each input (`contents`; of a raw corpus:
`corpora`). Before each run `plan` compares these records with the present config, code and data,
and has made again what no longer fits. `stamp` adds what is recorded but not compared: versions,
device, commit.

May import `spcl.errors`, and pyarrow where a table has to be opened. It knows nothing of what the
numbers mean. `plan` and all that it needs is imported by the Snakefile: nothing here imports torch.
"""
