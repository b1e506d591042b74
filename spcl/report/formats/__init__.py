"""Panels of text as Markdown, LaTeX and HTML.

They are written here and not by pandas' Styler, which has no Markdown, does not split long tables
into floats, and does not escape what pdfLaTeX cannot set; names of users may have any character.
"""
