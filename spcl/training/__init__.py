"""Training of one cell: from tables to batches, through the training loop, to tables.

`cell` trains all seeds of a cell and writes its four tables; `loop` is the training of one seed;
`dialogues` makes batches; `checkpoints` resumes interrupted trainings; `contract` checks a user's
baseline or curriculum. What every baseline and curriculum shares goes here.

It imports `spcl.models`, `spcl.curriculum`, `spcl.data` and the packages below. A network belongs
to `spcl.models`, a training strategy to `spcl.curriculum`.
"""
