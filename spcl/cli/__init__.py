"""The commands of ``python -m spcl``: one module each, with the name of the command.

A command's module has ``SUMMARY``, a few words for the list of commands; ``DESCRIPTION``, the text
of its ``--help``; ``add_arguments(parser)``; and ``run(options)``, which prints its answer and
raises `spcl.errors.UserError` if the user can fix the cause. A new command is a new module here.

`spcl.__main__` imports all of them to build the help, so a module imports what is slow to load
inside `run`. A command computes nothing itself: it calls another package, such as
`spcl.inspection`, `spcl.comparison`, `spcl.status` or `spcl.data.export`. No other package imports
this one.
"""
