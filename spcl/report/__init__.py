"""Results: from the tables of cells to statistics, result tables, figures and sentences.

============  ===========================================================================
`tables`      one result table a module; the next table is one more module there
`figures`     one figure a module; the next figure is one more module there
`analysis`    scores, costs, resampling and tests that tables and figures share
`findings`    the questions behind SPCL, one a module, answered in sentences
`drawing`     the common style of all figures, and their grids of panels
`formats`     Markdown, LaTeX, HTML and terminal text
============  ===========================================================================

A result table (`table`) is declared with `columns` (the columns that tables share), `fields`
(headings and number formats) and `footnotes` (signs and notes). `panels` is its layout for readers.

It imports `spcl.tables` and `spcl.training.rescoring`. It trains nothing.
"""
