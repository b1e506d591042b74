"""Panels of text as Markdown, LaTeX and HTML."""
