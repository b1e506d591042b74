"""Reading of any kind of file: text, CSV, folders, and the errors of parsers.

What does not depend on the corpus belongs here. It imports no other package of `spcl.data`.
"""
