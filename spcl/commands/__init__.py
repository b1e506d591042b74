"""The commands of ``python -m spcl``, one a module, under the module's name.

A command's module has ``SUMMARY``, a few words for the list of commands; ``DESCRIPTION``, what its
own ``--help`` says; ``add_arguments(parser)``; and ``run(options)``, which prints, and raises
`spcl.errors.UserError` for what the user can mend. All of them are imported to build the help, so
they import what is slow to load inside `run`.
"""
