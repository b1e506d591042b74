"""The questions behind SPCL, each answered in sentences that the numbers support.

A question is a module with ``QUESTION``, ``OPEN`` (what to say where no corpus answers it) and
``answers(results, scores) -> Iterator[Finding]``. `spcl.report.tables.findings` lists them.
"""
