"""What a corpus or a file holds: what ``python -m spcl inspect`` finds, prints and draws.

It imports `spcl.data`, `spcl.tables` and `spcl.report`. A reader of a new format belongs to
`spcl.data.formats`; it is inspected without a change here.
"""
