"""Description of a corpus or a file, which ``python -m spcl inspect`` prints and draws.

It imports `spcl.data`, `spcl.tables` and `spcl.report`. A new format belongs to
`spcl.data.formats` and needs no change here.
"""
