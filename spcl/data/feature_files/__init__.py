"""Reading of features from files: by dialogue, or beside a table of utterances.

The readers in `spcl.data.formats` call it. A new format goes there, not here.
"""
