"""Reading of files of any kind: text, CSV, folders, and the errors of libraries that parse them.

What does not depend on the kind of corpus goes here. It imports nothing of `spcl.data`.
"""
