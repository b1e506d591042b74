"""Names that mean something to matplotlib, LaTeX, HTML, Markdown or a terminal."""

from hypothesis import strategies as st

NAMES = [
    r"$\input{x}$",
    "$x",
    r"50 % & {a_b} #1 ~ ^ \\ \end{table}",
    "_glad_",
    "[0.5pt] -- ``x'' |y|",
    "*sad*",
    "<script>alert('1')</script> &amp; \"<b>\"",
    "![x](http://example.org/x.png) <http://example.org>",
    "[a]: javascript:alert(1)",
    "# ~~`a|b`~~ __c__ \\\\|",
    "a\nb\r\n\nc",
    "a\\nb",
    "\x1b[2J\x07\x9b31m",
    "\u202eevil\u2066",
    "שמחה",
    "高兴 😀",
    "e\u0301\u0323 é ß",
    "unlabelled",
    "very " * 60,
    "very " * 60 + "glad",
]
"""No two are the same, though some begin alike."""

names = st.text(min_size=1, max_size=30) | st.text(
    "$_\\\\{}[]()<>*&%#~^`'\"|!-\n\r\x1b aé高", min_size=1
)
