"""Transcripts of a conversation: CSV, SRT and WebVTT."""

import html
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spcl.data.transcripts import read_conversation
from spcl.errors import UserError


@pytest.fixture
def read(tmp_path):
    """Write a transcript and read it: (speaker, text, start, end) of each utterance."""

    def called(name, text, medium=None):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        found = read_conversation(path, medium)
        return [(one.speaker, one.text, one.start_s, one.end_s) for one in found]

    return called


def test_csv_with_seconds_and_clock_times(read):
    text = 'speaker,start,end,text\nAnna,0,1.5,Hello\nBen,0:01:02.5,1:03,"Well, yes"\n'
    assert read("a.csv", text) == [
        ("Anna", "Hello", 0.0, 1.5),
        ("Ben", "Well, yes", 62.5, 63.0),
    ]


def test_csv_with_text_alone(read):
    assert read("a.csv", "text\nHello\nYes\n") == [
        ("", "Hello", None, None),
        ("", "Yes", None, None),
    ]


def test_srt_with_names(read):
    text = "1\n00:00:01,000 --> 00:00:02,500\nANNA: Hello\nyou\n\n"
    text += "2\n00:00:03,000 --> 00:00:04,000\nBen: Look: a bird\n"
    assert read("a.srt", text) == [
        ("ANNA", "Hello you", 1.0, 2.5),
        ("Ben", "Look: a bird", 3.0, 4.0),
    ]


def test_a_colon_in_some_cues_is_no_speaker(read):
    text = "1\n00:01,000 --> 00:02,000\nLook: a bird\n\n2\n00:03,000 --> 00:04,000\nWhere?\n"
    assert [one[:2] for one in read("a.srt", text)] == [("", "Look: a bird"), ("", "Where?")]


def test_srt_without_empty_lines_and_with_windows_line_ends(read):
    text = "1\n00:00:01,000 --> 00:00:02,000\nHello\n2\n00:00:03,000 --> 00:00:04,000\nYes\n"
    assert [one[1] for one in read("a.srt", text.replace("\n", "\r\n"))] == ["Hello", "Yes"]


def test_webvtt_with_voices_notes_and_settings(read):
    text = """WEBVTT - a title

NOTE a comment
of two lines

STYLE
::cue { color: red }

intro
00:01.000 --> 00:02.000 align:start position:0%
<v.loud Anna &amp; Ben>Hello <b>you</b></v>

01:00:03.000 --> 01:00:04.000
- <v Anna>One.</v> <v Ben>Two &lt; three.</v>
"""
    assert read("a.vtt", text) == [
        ("Anna & Ben", "Hello you", 1.0, 2.0),
        ("", "-", 3603.0, 3604.0),
        ("Anna", "One.", 3603.0, 3604.0),
        ("Ben", "Two < three.", 3603.0, 3604.0),
    ]


def test_other_encodings(read):
    assert read("a.csv", "text\nCafé\n".encode("cp1252"))[0][1] == "Café"
    assert read("a.csv", "text\nCafé\n".encode("utf-16"))[0][1] == "Café"


def test_utterances_are_sorted_by_time_and_named_after_the_transcript(tmp_path):
    path = tmp_path / "talk.csv"
    path.write_text("start,end,text\n5,6,later\n1,2,first\n")
    found = read_conversation(path, Path("elsewhere/talk.mp4"))
    assert [(one.utterance_id, one.text) for one in found] == [
        ("talk_1", "first"),
        ("talk_2", "later"),
    ]
    assert found[0].audio_path == found[0].video_path == "talk.mp4#t=1,2"
    sound = read_conversation(path, Path("talk.wav"))
    assert (sound[0].audio_path, sound[0].video_path) == ("talk.wav#t=1,2", None)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "speaker,words\nA,b\n", "no column 'text', but speaker, words"),
        ("a.csv", "text,start,end\nA,2,1\n", "line 2: the utterance ends at 1 s, not after"),
        ("a.csv", "text,start,end\nA,soon,1\n", "line 2: 'soon' is not a time"),
        ("a.csv", "text\n", "has no utterances"),
        ("a.srt", "", "has no utterances"),
        ("a.srt", "1\n00:00:05,000 --> 00:00:05,000\nA\n", "line 2: the utterance ends at 5 s"),
        ("a.srt", "1\n1:2:3:4 --> 00:00:05,000\nA\n", "line 2: '1:2:3:4' is not a time"),
        ("a.vtt", "WEBVTT\n\n", "has no utterances"),
    ],
)
def test_faults_are_named_with_their_line(read, name, text, says):
    with pytest.raises(UserError, match=f"{name}: .*") as told:
        read(name, text)
    assert says in str(told.value)


words = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1).map(
    lambda text: " ".join(text.replace(":", ";").split())
)
spoken = words.filter(lambda text: text and not text.isdigit() and "{" not in text)
cues = st.lists(st.tuples(st.integers(1, 10**7), spoken), min_size=1, max_size=6)


def clock(ms, point):
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"


@given(cues)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(read, lengths):
    """SRT and WebVTT with a voice in every cue, one after the other."""
    end, expected, srt, vtt = 0, [], "", "WEBVTT\n"
    for number, (length, text) in enumerate(lengths, 1):
        start, end = end, end + length
        expected.append(("Anna B.", text, start / 1000, end / 1000))
        srt += (
            f"{number}\n{clock(start, ',')} --> {clock(end, ',')}\nAnna B.: {html.escape(text)}\n\n"
        )
        vtt += f"\n{clock(start, '.')} --> {clock(end, '.')}\n<v Anna B.>{html.escape(text)}</v>\n"
    for name, content in (("a.srt", srt), ("a.vtt", vtt)):
        found = read(name, content)
        assert [one[:2] for one in found] == [one[:2] for one in expected]
        assert [one[2:] for one in found] == [pytest.approx(one[2:]) for one in expected]


@given(st.text(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_refused(read, text):
    for name in ("a.srt", "a.vtt", "a.csv"):
        with suppress(UserError):
            read(name, text)
