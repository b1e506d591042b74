"""In tables and figures, what users wrote is text: it comes out as it went in."""

import pkgutil
import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_results import make_results
from matplotlib.text import Text

from spcl.errors import printable
from spcl.report import figures
from spcl.report.analysis.results import Results
from spcl.report.drawing import style
from spcl.report.drawing.lettering import drawable_names
from spcl.report.figures import plot
from spcl.report.formats import html, latex, markdown
from spcl.report.panels import Panel, number, text
from spcl.report.tables import tabulate
from tests.hostile import NAMES, names

FIGURES = [module.name for module in pkgutil.iter_modules(figures.__path__)]


def page(form, name):
    """A table with the name wherever one may stand."""
    rows = ((text(name), number(1.0)), (text(name), number(2.0)))
    first = "name" if form is latex else name
    return form.render(first, f"Of {name}", [Panel((name, "F1"), rows, name)], [f"Of {name}"])


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A corpus whose classes have hostile names."""
    return make_results(
        tmp_path_factory.mktemp("hostile"),
        datasets=("mine",),
        baselines=("mmgcn",),
        modalities=("at",),
        seeds=(1, 2),
        n_dialogues=60,
        epochs=3,
        labels=NAMES,
    )


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Hostile names of everything, and classes with names as wide as they get."""
    return make_results(
        tmp_path_factory.mktemp("odd"),
        datasets=("$\\d$\n_d",),
        baselines=("_b$", "<b>\x1b|"),
        modalities=("atv", "at"),
        curricula=("none", "_c\u202e", "$$"),
        seeds=(1,),
        epochs=3,
        labels=["W" * 100, "W" * 101],
    )


class OfHtml(HTMLParser):
    """What a page shows, a text an element, and its tags and attributes."""

    def __init__(self, written):
        super().__init__()
        self.texts, self.tags, self.attributes = [], [], set()
        self.feed(written)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.texts.append(data)


@given(names)
def test_html_shows_a_name_as_it_is_and_gets_no_element_from_it(name):
    found, plain = (OfHtml(page(html, one)) for one in (name, "joy"))
    assert found.texts.count(printable(name)) == 6  # twice at the top, twice in two headings
    assert found.texts.count(f"Of {printable(name)}") == 2
    assert found.tags == plain.tags
    assert found.attributes == plain.attributes


@pytest.mark.parametrize("table", ["per_class", "difficulty"])
def test_hostile_classes_are_in_the_html_tables(table, results):
    shown = OfHtml(tabulate(table, Results(**results)).html()).texts
    for name in NAMES:
        assert any(one.startswith(printable(name)) for one in shown), name


def of_markdown(written):
    """The texts that a page shows; an error where one has markup."""
    reader = pytest.importorskip("markdown_it").MarkdownIt("gfm-like", {"linkify": False})
    texts = [token.children for token in reader.parse(written) if token.type == "inline"]
    kinds = {part.type for parts in texts for part in parts}
    assert kinds <= {"text", "text_special"}, kinds
    return ["".join(part.content for part in parts) for parts in texts]


@given(names)
def test_markdown_shows_a_name_as_it_is_and_not_as_markup(name):
    shown = of_markdown(page(markdown, name))
    assert len(shown) == 10
    wanted = {words.strip(" ") for words in (printable(name), f"Of {printable(name)}")}
    assert sum(words in wanted for words in shown) == 7


@pytest.mark.parametrize("table", ["per_class", "difficulty"])
def test_hostile_classes_are_in_the_markdown_tables(table, results):
    written = tabulate(table, Results(**results)).markdown().replace("**", "")
    shown = of_markdown(written)
    for name in NAMES:
        assert any(one.startswith(printable(name).strip(" ")) for one in shown), name


def test_names_of_baselines_read_as_they_are_written():
    assert markdown.escape("dialogue_gcn, [-0.2, +1.3], < 0.001") == (
        "dialogue_gcn, [-0.2, +1.3], < 0.001"
    )


_COMMAND = re.compile(
    r"\\(?:textbackslash|textasciitilde|textasciicircum|S|`)\{\}|\\[_&%$#{}]|\{\}"
    r"|\\,\$\\pm\$\\,|\$\\?[a-z<>|-]+\$"
)
_SHOWN = {r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^"}
_SHOWN |= {r"\`{}": "`", "{}": ""}


def of_latex(written):
    """What LaTeX shows; an error where it would see a command that is not ours, or a ligature."""
    left = _COMMAND.sub(" ", written)
    assert not re.search(r"[\\_&%$#{}~^`|<>]|''|--|,,", left), left
    return _COMMAND.sub(lambda found: _SHOWN.get(found[0], found[0].strip("\\$") or "$"), written)


@given(st.text("$_\\{}[]()<>*&%#~^`'\",|!?-aé\n\x1b"))
def test_latex_shows_a_name_as_it_is(name):
    assert of_latex(latex.escape(name)) == printable(name)


@given(names)
def test_nothing_is_left_that_pdflatex_cannot_set(name):
    written = latex.escape(name)
    of_latex(written.replace("--", ""))
    beside = {unicodedata.normalize("NFD", one)[0] for one in written if not one.isascii()}
    assert all(one.isascii() or one in "‘’“”—…¡¿ßæÆœŒøØłŁı§×±λρ" for one in beside)  # noqa: RUF001


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("glücklich, tříděný", "glücklich, tříděný"),
        ("e\u0301", "é"),
        ("高兴", r"\textbackslash{}u9ad8\textbackslash{}u5174"),
        ("😀", r"\textbackslash{}U0001f600"),
        ("a\n\nb", r"a\textbackslash{}n\textbackslash{}nb"),
        ("a--b", "a-{}-b"),
    ],
)
def test_letters_that_pdflatex_has_stay_and_others_are_spelt_out(name, shown):
    assert latex.escape(name) == shown


@pytest.mark.parametrize("name", ["[2pt] x", "*x"])
def test_no_latex_row_begins_with_what_the_row_above_would_take(name):
    lines = page(latex, name).splitlines()
    assert not [line for line in lines if line.startswith(("[", "*"))]


@pytest.mark.parametrize("table", ["per_class", "difficulty"])
def test_hostile_classes_are_in_the_latex_tables(table, results):
    written = tabulate(table, Results(**results)).latex()
    for name in NAMES:
        assert latex.escape(name) in written
    begun, ended = (re.findall(rf"\\{word}\{{(\w+)\}}", written) for word in ("begin", "end"))
    assert sorted(begun) == sorted(ended)


def test_ordinary_names_are_drawn_as_they_are():
    ordinary = ["happy", "mm_dfn", "iemocap-session-1", "glücklich", "שמחה", ""]
    assert drawable_names(ordinary) == {name: name for name in ordinary}


@given(st.lists(names, unique=True))
def test_names_that_differ_are_drawn_differently_and_stay_in_legends(different):
    drawn = drawable_names(different)
    assert list(drawn) == different
    assert len(set(drawn.values())) == len(different)
    assert all(one.isprintable() and not one.startswith("_") for one in drawn.values())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (r"$\input{x}$", r"$\input{x}$"),
        ("高兴", r"\u9ad8\u5174"),
        ("a\nb\x1b\u202e", r"a\nb\x1b\u202e"),
        ("W" * 100, "W" * 23 + "…"),
    ],
)
def test_what_the_font_lacks_is_spelt_out_and_long_names_are_cut(name, shown):
    assert drawable_names([name]) == {name: shown}


@pytest.mark.parametrize("figure", ["per_class", "curriculum", "difficulty"])
def test_hostile_classes_are_in_the_figures(figure, results, tmp_path, monkeypatch):
    shown = texts_of_what_is_saved(monkeypatch)
    files = {kind: tmp_path / f"figure.{kind}" for kind in ("parquet", "svg", "png")}
    plot(figure, Results(**results), **files)
    for name in drawable_names(NAMES).values():
        assert any(one.startswith(name) for one in shown), name
    ElementTree.parse(files["svg"])


@pytest.mark.parametrize("figure", FIGURES)
def test_hostile_names_of_all_kinds_leave_room_for_the_panels(figure, odd, tmp_path):
    files = {kind: tmp_path / f"figure.{kind}" for kind in ("parquet", "svg", "png")}
    plot(figure, Results(**odd), **files)


def texts_of_what_is_saved(monkeypatch):
    """The texts of each figure once it is saved."""
    shown, save = [], style.save

    def note(figure, **files):
        save(figure, **files)
        shown.extend(text.get_text() for text in figure.findobj(Text) if text.get_visible())

    monkeypatch.setattr(style, "save", note)
    return shown
