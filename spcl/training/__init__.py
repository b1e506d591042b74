"""Training of one cell: from tables to batches, through the training loop, to tables.

`cell` trains all seeds of a cell and returns its tables (`cell_tables`). `loop` trains one
seed, and `stacked` several seeds at the same time; `result` is what they return. `dialogues` makes
batches, `training_set` the input of curricula. `checkpoints` resumes interrupted trainings.
`contract` checks custom baselines and curricula.

Code that all baselines and curricula share belongs here. A network belongs to `spcl.models`, a
training strategy to `spcl.curriculum`.
"""
