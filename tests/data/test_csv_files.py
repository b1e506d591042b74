"""No quote or separator in the wrong place of a CSV file moves, cuts or hides a cell."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spcl.data.files.csv_files import read_csv
from spcl.errors import UserError

HEADER = "dialogue_id,text,emotion"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "utterances.csv"


def write(path, *lines, header=HEADER):
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def refused(path, *lines, header=HEADER):
    write(path, *lines, header=header)
    with pytest.raises(UserError) as error:
        read_csv(path)
    assert str(error.value).startswith(f"{path}: line ")
    assert ";" in str(error.value)
    return str(error.value).removeprefix(f"{path}: ")


PLAIN = [f"d{n},Hello {n},joy" for n in range(12)]


@pytest.mark.parametrize(
    "rows",
    [
        ['d,"Hello,joy', *PLAIN],
        ['d,"Hello,joy', *PLAIN, 'd9,"Well, yes",joy'],
        ['d,"Hello,joy', *PLAIN, 'd9,Bye",joy'],
        ['d,"Hello,joy', 'd9,Bye",joy'],
        ['d,"Hello,joy', "", 'd9,Bye",joy'],
        ['d,"Hello,joy', *PLAIN, 'd9,"",joy', 'd9,Bye",joy'],
        ['d,"Hello,joy', "d8,of one cell more,joy,", *PLAIN, 'd9,Bye",joy'],
        ['"d,Hello,joy', *PLAIN, 'd9",Bye,joy'],
        ['d,Hello,"joy', *PLAIN, 'd9,Bye,joy"'],
        ['d,"Hello, you"",joy', *PLAIN, 'd9,Bye",joy'],
        ['d,"Hello, you"",joy', 'd9,Bye",joy'],
        ['d,"Hello,joy', *PLAIN, 'd9,Bye,joy"'],
    ],
)
def test_a_stray_quote_never_swallows_rows(path, rows):
    assert refused(path, PLAIN[0], *rows).startswith("line 3")


@pytest.mark.parametrize(
    "row",
    [
        'd,"Hello "you"",joy',
        'd,"Hello" you,joy',
        'd,"Hello, \\"you\\"",joy',
        'd,"Hello,"joy',
        'd,"Hello" ,joy',
    ],
)
def test_a_quote_that_closes_in_the_middle_of_a_cell_is_refused_by_its_line(path, row):
    message = refused(path, PLAIN[0], row, PLAIN[1])
    assert message.startswith("line 3: a quote is not closed at the end of its cell")
    assert message.endswith("remove it, or double the quotes inside a cell")


@pytest.mark.parametrize(
    ("row", "header"),
    [
        ("d,joy,Well, yes, I do", "dialogue_id,emotion,text"),
        ("d;joy;Well; yes", "dialogue_id;emotion;text"),
        ("d,joy,Well,", "dialogue_id,emotion,text"),
        ('d,joy, "Well, yes"', "dialogue_id,emotion,text"),
        ("0,d,joy,Well", "dialogue_id,emotion,text"),
    ],
)
def test_a_cell_too_many_is_refused_by_its_line(path, row, header):
    message = refused(path, row, header=header)
    assert "cells, the header has 3; put each cell with a" in message
    assert message.startswith("line 2 has")


@pytest.mark.parametrize("row", ["d,joy", "d", "d\tjoy\tWell"])
def test_a_cell_too_few_is_refused_by_its_line(path, row):
    message = refused(path, 'd,"two', 'lines",joy', "", row)
    assert message.startswith("line 5 has")
    assert "leave none out" in message


@pytest.mark.parametrize(
    "text",
    [
        "First,\nand second",
        "Well, yes\n\nno",
        "a\r\nb\rc",
        'He said "no, never"\nand left',
        " \n",
        "she goes: 6' 2\"",
        "a;b\tc",
    ],
)
def test_a_quoted_cell_can_contain_line_breaks_separators_and_quotes(path, text):
    rows = [["d0", "joy", text, "Ann"], ["d1", "", "Hello", "Bob"]]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["dialogue_id", "emotion", "text", "speaker"], *rows])
    assert read_csv(path)["text"] == [text, "Hello"]
    assert read_csv(path)["speaker"] == ["Ann", "Bob"]


def test_a_quote_inside_a_cell_without_quotes_is_a_character(path):
    write(path, 'd0,I say "no" to 6",joy', "d1,Bye,joy")
    assert read_csv(path)["text"] == ['I say "no" to 6"', "Bye"]


def test_empty_lines_are_left_out(path):
    write(path, "d0,Hello,joy", "", "  ", ",,", "d1,Bye,joy", "")
    assert read_csv(path)["dialogue_id"] == ["d0", "d1"]


CELLS = st.text(alphabet='ab ,;"\n', max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_the_output_of_a_csv_writer_is_read_unchanged_or_refused(tmp_path_factory, cells):
    path = tmp_path_factory.getbasetemp() / "written.csv"
    rows = [[f"d{n}", *pair, "joy", "end"] for n, pair in enumerate(cells)]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["dialogue_id", "x", "y", "emotion", "z"], *rows])
    try:
        columns = read_csv(path)
    except UserError:
        assert any("\n" in cell for pair in cells for cell in pair)
        return
    assert list(map(list, zip(*columns.values(), strict=True))) == rows


WORDS = st.sampled_from(["Hi", "Hi, you", 'a "b" c', "", "Oh"])


@given(st.lists(WORDS, min_size=2, max_size=8), st.data())
def test_stray_quotes_never_lose_a_row(tmp_path_factory, texts, data):
    rows = [[f"d{n}", text, "joy"] for n, text in enumerate(texts)]
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    text = file.getvalue()
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.integers(0, len(text)))
        text = text[:place] + '"' + text[place:]
    path = tmp_path_factory.getbasetemp() / "stray.csv"
    path.write_text(f"{HEADER}\n{text}", encoding="utf-8")
    try:
        columns = read_csv(path)
    except UserError:
        return
    assert [cell.replace('"', "") for cell in columns["dialogue_id"]] == [row[0] for row in rows]
    assert [cell.replace('"', "") for cell in columns["emotion"]] == ["joy"] * len(rows)


@given(st.lists(WORDS, min_size=1, max_size=6), st.data())
def test_a_lost_quote_or_a_separator_too_many_never_cuts_a_cell(tmp_path_factory, texts, data):
    file = io.StringIO()
    rows = [[f"d{n}", text, "joy"] for n, text in enumerate(texts)]
    csv.writer(file, lineterminator="\n").writerows(rows)
    text = file.getvalue()
    place = data.draw(st.sampled_from([n for n, char in enumerate(text) if char in ',"']))
    instead = {",": ",,", '"': ""}[text[place]]
    path = tmp_path_factory.getbasetemp() / "separators.csv"
    path.write_text(f"{HEADER}\n{text[:place]}{instead}{text[place + 1 :]}", encoding="utf-8")
    try:
        columns = read_csv(path)
    except UserError:
        return
    assert columns["dialogue_id"] == [row[0] for row in rows]
    assert columns["emotion"] == ["joy"] * len(rows)
