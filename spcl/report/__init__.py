"""Results: from the tables of cells to statistics, result tables, figures and sentences.

============  ===========================================================================
`tables`      one result table a module; the next table is one more module there
`figures`     one figure a module; the next figure is one more module there
`analysis`    scores, costs, resampling and tests that tables and figures share
`findings`    the questions behind SPCL, answered in sentences
`drawing`     the common look of all figures
`formats`     Markdown, LaTeX, HTML and terminal text
============  ===========================================================================

`table` is a result table, `panels` its layout for readers, `footnotes` the marks beside numbers.

It imports `spcl.tables` and `spcl.training.rescoring`. It trains nothing.
"""
