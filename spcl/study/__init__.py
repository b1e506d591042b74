"""What a config says, before any job runs: datasets, grid, settings, user code.

`config` validates a config (its values by `schema`), `config_files` reads one as Snakemake does,
`grid` lists its cells with their settings, `datasets` its corpora with their folds, and `paths`
expands its paths. `extensions` finds the code of a baseline or curriculum. A new config key or
check belongs here.

The Snakefile imports this package on every start, so it uses the standard library, PyYAML and
jsonschema alone. It reads no corpus and no result: `spcl.data` and `spcl.status` do that.
"""
