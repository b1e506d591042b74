"""What a config says, before any job runs: datasets, grid, settings, user code.

`config` validates a config, `config_files` reads one as Snakemake does, `grid` lists its cells with
their settings, `datasets` its corpora with their folds, and `extensions` finds the file of a
baseline or curriculum. A new config key or rule of validation goes here.

The Snakefile imports it on every start, so it uses the standard library, PyYAML and jsonschema
alone. It reads no corpus and no result: those belong to `spcl.data` and `spcl.status`.
"""
