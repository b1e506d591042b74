"""Markdown, LaTeX and HTML: nothing breaks the markup, nothing leads out of the page."""

import math
import re
from html.parser import HTMLParser

import pytest

from spcl.report.formats import html, latex, markdown
from spcl.report.panels import Entry, Panel, interval, mark_best, number, p_value, signed, text

VOID = {"meta", "br", "hr", "img", "link", "input"}


def panel(rows=None, nested=0):
    rows = [(text("mm_dfn"), number(63.94))] if rows is None else rows
    return Panel(("Baseline", "W-F1"), tuple(rows), nested=nested)


def rendered(form, panels=None, notes=(), simulated=()):
    first = ("name",) if form is latex else ("Title",)
    return form.render(*first, "A caption.", panels or [panel()], notes, simulated=simulated)


class Page(HTMLParser):
    """Checks that tags nest, and collects what could load something."""

    def __init__(self, page):
        super().__init__()
        self.open, self.loads, self.n_rows = [], [], 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.loads += [value for name, value in attrs if name in ("src", "href", "srcset")]
        self.loads += [tag] * (tag in ("link", "iframe", "object", "embed"))
        self.n_rows += tag == "tr"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


class TestNumbers:
    @pytest.mark.parametrize(
        ("entry", "expected"),
        [
            (number(63.94), "63.9"),
            (number(63.94, spread=1.04), "63.9 ± 1.0"),
            (number(math.nan), "–"),  # noqa: RUF001
            (number(1234567.0, 0), "1,234,567"),
            (signed(0.64), "+0.6"),
            (signed(-0.64, spread=0.2), "−0.6 ± 0.2"),  # noqa: RUF001
            (signed(-0.04), "+0.0"),
            (interval(-0.24, 1.26), "[−0.2, +1.3]"),  # noqa: RUF001
            (interval(math.nan, 1.0), "–"),  # noqa: RUF001
            (p_value(0.0123), "0.012"),
            (p_value(0.0001), "< 0.001"),
            (p_value(math.nan), "–"),  # noqa: RUF001
        ],
    )
    def test_they_are_spelt_for_readers(self, entry, expected):
        assert entry.text == expected

    def test_the_highest_is_best_and_so_is_what_looks_equal(self):
        values = [number(x) for x in (61.02, 63.91, 63.94, math.nan)]
        assert [entry.best for entry in mark_best(values)] == [False, True, True, False]

    def test_nothing_is_best_alone_or_among_equals(self):
        assert not mark_best([number(5.0), number(math.nan)])[0].best
        assert not any(entry.best for entry in mark_best([number(5.0), number(5.0)]))


class TestMarkdown:
    def test_it_is_an_aligned_table(self):
        page = rendered(markdown, [panel([(text("a"), number(1.0)), (text("bcd"), number(23.0))])])
        assert "| Baseline | W-F1 |\n| -------- | ---: |\n| a        |  1.0 |" in page

    def test_a_bar_in_a_name_does_not_split_the_row(self):
        page = rendered(markdown, [panel([(text("a|b"), number(1.0))])])
        (row,) = [line for line in page.splitlines() if "a" in line and "1.0" in line]
        assert len(re.findall(r"(?<!\\)\|", row)) == 3

    def test_best_is_bold(self):
        assert "**63.9**" in rendered(
            markdown, [panel([(text("x"), Entry("63.9", 63.9, best=True))])]
        )


class TestLatex:
    def test_special_characters_are_spelt_out(self):
        shown = latex.escape(r"mm_dfn & 95 % #1 $x$ {y} ~ ^ \z < > ±")
        assert shown == (
            r"mm\_dfn \& 95 \% \#1 \$x\$ \{y\} \textasciitilde{} \textasciicircum{}"
            r" \textbackslash{}z $<$ $>$ \,$\pm$\,"
        )

    def test_it_needs_booktabs_alone(self):
        page = rendered(latex)
        assert r"\toprule" in page
        assert r"\midrule" in page
        assert r"\bottomrule" in page
        assert r"\usepackage" not in page.replace(r"% Needs \usepackage{booktabs}.", "")
        commands = set(re.findall(r"\\([a-z]+)", page))
        assert commands <= {
            *("usepackage", "begin", "end", "centering", "footnotesize", "scriptsize"),
            *("setlength", "tabcolsep", "caption", "label", "par", "medskip", "makebox"),
            *("linewidth", "toprule", "midrule", "bottomrule", "textbf"),
        }

    def test_braces_and_environments_are_balanced(self):
        page = rendered(latex, notes=["a note_"], simulated=["x_y"])
        bare = re.sub(r"\\[{}]", "", page)
        assert bare.count("{") == bare.count("}")
        assert re.findall(r"\\begin\{(\w+)\}", page).count("table") == 1
        begun, ended = (sorted(re.findall(rf"\\{w}\{{(\w+)\}}", page)) for w in ("begin", "end"))
        assert begun == ended

    def test_a_long_panel_becomes_several_floats_without_losing_a_row(self):
        rows = [
            (text(f"d{d}"), text(f"b{b}"), text(f"m{m}"), number(d * 100 + b * 10 + m))
            for d in range(2)
            for b in range(4)
            for m in range(10)
        ]
        long = Panel(("D", "B", "M", "x"), tuple(rows), nested=2)
        page = rendered(latex, [long])
        assert page.count(r"\begin{table}") == 2  # one a corpus
        for row in rows:
            assert f"{row[3].text} \\\\" in page
        assert page.count("d0, b0") == page.count("d1, b3") == 1
        assert len(set(re.findall(r"\\label\{(.+?)\}", page))) == 2

    def test_a_run_of_rows_longer_than_a_page_is_cut(self):
        long = Panel(("A", "x"), tuple((text(str(i)), number(i)) for i in range(100)))
        assert rendered(latex, [long]).count(r"\begin{table}") == 3


class TestHtml:
    def test_it_parses_and_nothing_leads_out_of_it(self):
        rows = [(text("<b>&"), Entry("63.9", 63.9, best=True, marks="†"))] * 3
        page = rendered(html, [panel(rows, nested=1)], notes=["<i>"], simulated=["a<b"])
        parsed = Page(page)
        assert parsed.open == []
        assert parsed.loads == []
        assert parsed.n_rows == 4
        assert "://" not in page
        assert "@import" not in page
        assert "url(" not in page
        assert "<b>" not in page
        assert "<i>" not in page

    def test_it_sorts_by_value_not_by_text(self):
        page = rendered(
            html, [panel([(text("a"), number(1234.56)), (text("b"), number(math.nan))])]
        )
        assert '<td class="number" data-value="1234.56">1,234.6</td>' in page
        assert 'data-value="">' in page
        assert "aria-sort" in page

    def test_simulated_is_said_in_red(self):
        page = rendered(html, simulated=["meld-sim"])
        assert re.search(r'class="simulated">[^<]*[Ss]imulated[^<]*meld-sim', page)
        assert re.search(r"\.simulated \{ color: #b00020", page)


@pytest.mark.parametrize("form", [markdown, latex, html])
def test_every_format_says_simulated_only_where_it_is(form):
    assert "simulated data" in rendered(form, simulated=["meld-sim"]).lower()
    assert "simulated data" not in rendered(form).lower()


@pytest.mark.parametrize("form", [markdown, latex, html])
def test_an_empty_panel_says_so(form):
    assert "No data." in rendered(form, [panel([])], notes=["Nothing was given."])
    assert "Nothing was given." in rendered(form, [panel([])], notes=["Nothing was given."])
