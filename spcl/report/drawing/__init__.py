"""The common look of all figures, and text that their font can show.

A figure itself is a module of `spcl.report.figures`.
"""
