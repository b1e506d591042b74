"""The page of a conversation: complete, self-contained, safe, usable by keyboard."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from spcl.__main__ import main
from spcl.prediction.page import render
from spcl.tables import parquet
from spcl.tables.schemas import PREDICTED

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
HOSTILE = "<script>alert(1)</script> \"'& </td>\u202e"


def table(*, times=True, labels=("happy", "sad"), **changes):
    """Three utterances of Anna and Ben; audio alone disagrees in the second one."""
    columns = {
        "dialogue_id": ["talk"] * 3,
        "utterance_id": ["u1", "u2", "u3"],
        "position": [0, 1, 2],
        "speaker": ["Anna", "Ben", "Anna"],
        "text": ["Hello", "Yes", "No"],
        "start_s": [0.0, 61.0, 62.0] if times else [None] * 3,
        "end_s": [1.0, 62.0, 63.5] if times else [None] * 3,
        "audio_path": ["talk.wav#t=0,1", "talk.wav#t=61,62", None],
        "video_path": [None] * 3,
        "observed": [[True, True], [True, True], [False, True]],
        "predicted": [labels[0], labels[0], labels[1]],
        "probabilities": [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]],
        "modality_probabilities": [
            [[0.8, 0.2], [0.7, 0.3]],
            [[0.3, 0.7], [0.9, 0.1]],
            [[0.9, 0.1], [0.3, 0.7]],
        ],
        "spread": [[0.05, 0.05], [0.1, 0.1], [0.02, 0.02]],
        "modality_spread": [[[0.1, 0.1]] * 2] * 3,
    }
    facts = {
        "labels": list(labels),
        "modalities": "at",
        "dataset": "talk",
        "trained_on": "made",
        "baseline": "mmgcn",
        "curriculum": "spcl",
        "seeds": [1, 2],
        "simulated": False,
    }
    given = {name: changes.pop(name, values) for name, values in columns.items()}
    found = parquet.describe(PREDICTED.table(given), **(facts | changes))
    assert PREDICTED.fault(found) is None
    return found


class Reader(HTMLParser):
    """The rows of the table as a reader meets them, all tags, and references to other files."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.rows, self.attributes, self._inside = [], [], [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._inside = True
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self._inside:
            self.rows[-1][-1] += data


def page(tmp_path, predictions=None, **options):
    defaults = {"dialogue": None, "folder": tmp_path, "beside": tmp_path}
    return render(predictions or table(), **(defaults | options))


def test_the_table_says_who_when_what_and_how_sure(tmp_path):
    head, *rows = Reader(page(tmp_path)).rows
    assert head == [
        *("Time", "Speaker", "Utterance", "Emotion", "Probability"),
        *("Audio alone", "Text alone"),
    ]
    assert [row[0] for row in rows] == ["0:00", "1:01", "1:02"]
    assert [row[1:3] for row in rows] == [["Anna", "Hello"], ["Ben", "Yes"], ["Anna", "No"]]
    assert rows[1][3] == "happyall classeshappy 60 % ± 10sad 40 % ± 10"
    assert [row[4] for row in rows] == ["90 % ± 5", "60 % ± 10", "80 % ± 2"]
    assert [row[5] for row in rows] == ["happy 80 % ± 10", "≠ sad 70 % ± 10", "missing"]
    assert [row[6] for row in rows] == ["happy 70 % ± 10", "happy 90 % ± 10", "sad 70 % ± 10"]
    assert "In 1 of 3 utterances at least one modality alone" in page(tmp_path)


def test_one_seed_has_no_spread(tmp_path):
    one = table(spread=[None] * 3, modality_spread=[None] * 3, seeds=[1])
    _, *rows = Reader(page(tmp_path, one)).rows
    assert [row[4] for row in rows] == ["90 %", "60 %", "80 %"]
    assert "One model of mmgcn" in page(tmp_path, one)


def test_without_times_utterances_are_in_order(tmp_path):
    found = page(tmp_path, table(times=False))
    lefts = [float(left) for left in re.findall(r"left:([\d.]+)%;width:33", found)]
    assert sorted(lefts) == pytest.approx([0, 100 / 3, 200 / 3], abs=0.01)
    assert "in order, without times" in found


def test_text_of_users_is_escaped(tmp_path):
    labels = (HOSTILE, "sad")
    names = {
        "speaker": [HOSTILE, "Ben", HOSTILE],
        "text": [HOSTILE] * 3,
        "dialogue_id": [HOSTILE] * 3,
    }
    facts = {"baseline": HOSTILE, "curriculum": HOSTILE, "trained_on": HOSTILE}
    found = page(
        tmp_path, table(labels=labels, audio_path=[f"{HOSTILE}.wav"] * 3, **names, **facts)
    )
    plain = Reader(page(tmp_path))
    assert Reader(found).tags == plain.tags
    assert "\u202e" not in found


def test_the_page_refers_to_nothing_outside(tmp_path):
    found = page(tmp_path)
    outside = [v for k, v in Reader(found).attributes if k in ("src", "href") and v[0] != "#"]
    assert outside == []
    assert "http" not in found


def test_simulated_data_is_called_simulated(tmp_path):
    assert "Simulated data" in page(tmp_path, table(simulated=True))
    assert "Simulated data" not in page(tmp_path)


def sources(found):
    return json.loads(re.search(r"const SOURCES = (.*?);\n", found)[1])


class TestRecordings:
    def test_a_small_one_is_part_of_the_page(self, tmp_path):
        (tmp_path / "talk.wav").write_bytes(b"RIFF" + bytes(100))
        found = page(tmp_path)
        (address,) = sources(found)
        assert address.startswith("data:audio/")
        assert re.findall(r'data-start="(\d+)" data-end="(\d+)"', found) == [
            ("0", "1"),
            ("61", "62"),
        ]

    def test_a_large_one_is_referred_to(self, tmp_path):
        folder = tmp_path / "it's #1"
        folder.mkdir()
        (folder / "talk.wav").write_bytes(b"RIFF" + bytes(100))
        found = page(tmp_path, folder=folder, beside=tmp_path / "pages", embed_limit_mb=1e-5)
        assert sources(found) == ["../it%27s%20%231/talk.wav"]

    @pytest.mark.parametrize("name", ["absent.wav", "secret.txt", "empty.wav"])
    def test_others_are_left_out(self, tmp_path, name):
        (tmp_path / "secret.txt").write_text("secret")
        (tmp_path / "empty.wav").touch()
        found = page(tmp_path, table(audio_path=[name] * 3))
        assert sources(found) == []
        assert "audio" not in Reader(found).tags


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "has 2 dialogues; choose one: --dialogue one, two"),
        (["--dialogue", "three"], "there is no dialogue 'three'; choose one: --dialogue one, two"),
        (["--output", "page.txt"], "--output page.txt: write a name that ends in .html"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(tmp_path, capsys, options, says):
    path = tmp_path / "predictions.parquet"
    parquet.write(table(dialogue_id=["one", "two", "two"], position=[0, 0, 1]), path, PREDICTED)
    output = ["--output", str(tmp_path / "page.html")]
    assert main(["show", str(path), *output, *options]) == 1
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "says"), [(None, "no such file"), (b"PAR1" * 9, "not a readable Parquet file")]
)
def test_files_that_are_no_predictions_are_refused(tmp_path, capsys, content, says):
    path = tmp_path / "predictions.parquet"
    if content:
        path.write_bytes(content)
    assert main(["show", str(path), "--output", str(tmp_path / "page.html")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{path}: {says}" in line
    assert line.endswith("write it again with python -m spcl predict")


def test_a_dialogue_can_be_chosen(tmp_path):
    path, output = tmp_path / "predictions.parquet", tmp_path / "page.html"
    parquet.write(table(dialogue_id=["one", "two", "two"], position=[0, 0, 1]), path, PREDICTED)
    assert main(["show", str(path), "--output", str(output), "--dialogue", "two"]) == 0
    assert len(Reader(output.read_text()).rows) == 3


STEPS = """<script>
const said = [];
window.onerror = error => said.push(error);
const press = key => (document.activeElement ?? document.body).dispatchEvent(
  new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
const state = () => said.push(document.activeElement.id, document.querySelector(".block.now").hash);
press("j"); state(); press("ArrowDown"); state(); press("k"); state();
document.getElementById("apart").click();
said.push([...document.querySelectorAll("tbody tr")].filter(row => !row.hidden).length);
document.title = said.join(" ");
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_the_keys_move_through_the_utterances_in_a_browser(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page(tmp_path).replace("</body>", f"{STEPS}</body>"))
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    done = subprocess.run(
        [CHROMIUM, *options, "--virtual-time-budget=2000", "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    (title,) = re.findall("<title>(.*)</title>", done.stdout)
    assert title == "u0 #u0 u1 #u1 u0 #u0 1"
