"""Findings on results whose answers are known: a gain, a loss, no effect, and gaps."""

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tiny_cells
from hypothesis import given
from hypothesis import strategies as st
from made_by_hand import write_cells
from made_results import make_results

from spcl.report.analysis.admissions import early_half
from spcl.report.analysis.results import Results
from spcl.report.analysis.scores import Gain
from spcl.report.findings import admission, balance, components, gain, third_modality
from spcl.report.findings.sentences import beside, listed, mean_of, signed, size, span, versus
from spcl.report.tables import tabulate
from spcl.report.tables.findings import QUESTIONS
from spcl.tables import parquet, schemas

# "jaja" is half wrong in both classes: all of it scores 50 points, one dialogue in three 83.3.
DIALOGUES = {"d1": "jjaa", "d2": "jjaa", "d3": "jjaa"}
ALL, HALF, TWO = "jjaa" * 3, "jaja" * 3, "jjaajjaajaja"


def cells(curriculum, *answers, modalities="at", baseline="mmgcn"):
    by_seed = dict(enumerate(answers, 1))
    return {f"mine/{baseline}/{modalities}/{curriculum}": by_seed}


def table(folder, made, **how):
    return tabulate("findings", Results(**write_cells(folder, DIALOGUES, made, **how)))


def said(found, question):
    """The statements on a question."""
    data = found.data[found.data["question"] == question]
    return data["statement"].tolist()


class TestRaises:
    def test_a_clear_gain_is_said_with_its_number_interval_and_n(self, tmp_path):
        found = table(tmp_path, cells("none", HALF, HALF) | cells("spcl", ALL, ALL))
        # In every dialogue and seed the gain is the same, so the interval is a point.
        assert said(found, gain.QUESTION) == [
            "spcl scored 50.0 points more than no curriculum"
            " (95 % interval +50.0 to +50.0, 1 cell, 2 seeds)."
        ]
        (row,) = found.data[found.data["question"] == gain.QUESTION].to_dict("records")
        assert row["value"] == row["low"] == row["high"] == pytest.approx(50)
        assert row["n"] == 2

    def test_a_clear_loss_is_said_as_plainly(self, tmp_path):
        found = table(tmp_path, cells("none", ALL, ALL) | cells("spcl", HALF, HALF))
        (sentence,) = said(found, gain.QUESTION)
        assert sentence.startswith("spcl scored 50.0 points less than no curriculum")

    @pytest.mark.parametrize("answers", [(ALL, ALL), (TWO, ALL)])
    def test_no_effect_and_an_unsure_one_are_no_difference_shown(self, tmp_path, answers):
        found = table(tmp_path, cells("none", TWO, TWO) | cells("spcl", *answers))
        (sentence,) = said(found, gain.QUESTION)
        assert sentence.startswith("No difference between spcl and no curriculum could be shown")
        same = table(tmp_path / "same", cells("none", TWO, TWO) | cells("spcl", TWO, TWO))
        assert "shown: +0.0 points (95 % interval +0.0 to +0.0" in said(same, gain.QUESTION)[0]

    def test_one_seed_is_no_conclusion(self, tmp_path):
        found = table(tmp_path, cells("none", HALF) | cells("spcl", ALL))
        (sentence,) = said(found, gain.QUESTION)
        assert sentence.endswith("1 cell, 1 seed). With one seed no conclusion can be drawn.")

    def test_without_predictions_there_is_no_conclusion(self, tmp_path):
        made = write_cells(tmp_path, DIALOGUES, cells("none", HALF, HALF) | cells("spcl", ALL, ALL))
        found = tabulate("findings", Results(metrics=made["metrics"]))
        (sentence,) = said(found, gain.QUESTION)
        assert "50.0 points more" in sentence
        assert sentence.endswith("no conclusion can be drawn.")

    def test_cells_are_counted_by_their_intervals_and_the_extremes_named(self, tmp_path):
        made = cells("none", HALF, HALF) | cells("spcl", ALL, ALL)
        for modalities, before, after in (("av", TWO, TWO), ("tv", ALL, HALF)):
            made |= cells("none", before, before, modalities=modalities)
            made |= cells("spcl", after, after, modalities=modalities)
        pooled, counts, extremes = said(table(tmp_path, made), gain.QUESTION)
        assert pooled.startswith("No difference")
        assert "+0.0 points" in pooled
        assert "mean of 3 cells" in pooled
        assert "above zero in 1 of 3 cells and below zero in 1;" in counts
        # With three dialogues p cannot fall below 2 / 2^3.
        assert "0 gains and 0 losses are significant" in counts
        assert "largest gain of a cell is +50.0 points (mmgcn, at;" in extremes
        assert "smallest −50.0 points (mmgcn, tv;" in extremes  # noqa: RUF001

    def test_what_a_gain_has_to_be_read_with_is_said(self, tmp_path):
        made = cells("none", HALF, HALF) | cells("spcl", ALL, ALL)
        for wrong, words in (
            ({"full_at_epoch": None}, "never admitted all utterances"),
            ({"diverged": True}, "diverged"),
            ({"protocol": "best-test-epoch"}, "the scores are optimistic"),
        ):
            found = table(tmp_path / words, made, **wrong)
            _, caution = said(found, gain.QUESTION)
            assert caution.startswith("In 1 of 1 cells")
            assert words in caution

    def test_simulated_corpora_are_called_so(self, tmp_path):
        made = cells("none", HALF, HALF) | cells("spcl", ALL, ALL)
        found = table(tmp_path, made, simulated=True)
        assert found.data["simulated"].all()
        assert found.panels[0].rows[0][0].text == "mine (simulated)"
        assert found.simulated == ("mine",)
        real = table(tmp_path / "real", made)
        assert real.panels[0].rows[0][0].text == "mine"


class TestBalances:
    def test_heads_are_compared_before_and_after(self, tmp_path):
        made = write_cells(
            tmp_path / "before",
            DIALOGUES,
            cells("none", HALF, HALF),
            modality_weighted_f1=[0.5, 0.5],
        )
        after = write_cells(
            tmp_path / "after", DIALOGUES, cells("spcl", ALL, ALL), modality_weighted_f1=[1.0, 1.0]
        )
        both = {kind: [*made[kind], *after[kind]] for kind in made}
        found = tabulate("findings", Results(**both))
        *heads, imbalance = said(found, balance.QUESTION)
        assert imbalance.startswith("No difference between the imbalance degree with spcl and that")
        assert heads == [
            f"The {name} head with spcl scored 50.0 points more than that without"
            " (95 % interval +50.0 to +50.0, 1 cell, 2 seeds)."
            for name in ("audio", "text")
        ]

    def test_the_probe_is_named_where_there_is_one(self, made):
        (sentence, *_) = said(tabulate("findings", Results(**made)), balance.QUESTION)
        assert "the audio head of the joint models is" in sentence
        assert "a probe on audio alone; with spcl" in sentence

    def test_the_same_network_alone_replaces_the_probe(self, made, tmp_path):
        alone = make_results(
            tmp_path,
            datasets=("meld-sim",),
            baselines=("mmgcn",),
            modalities=("a",),
            seeds=(1, 2),
            n_dialogues=20,
            epochs=6,
        )
        both = {kind: [*made[kind], *alone[kind]] for kind in ("metrics", "predictions")}
        sentences = said(tabulate("findings", Results(**made | both)), balance.QUESTION)
        assert "the same network on audio alone; with spcl" in sentences[0]
        assert "a probe on text alone; with spcl" in sentences[1]
        assert "The 95 % interval of this change is above zero in " in sentences[0]
        assert "of 2 cells" in sentences[0]

    @pytest.mark.parametrize(("balanced", "word"), [("none", "more"), ("spcl", "less")])
    def test_a_loss_of_balance_is_said_as_a_gain_is(self, tmp_path, balanced, word):
        true = "cg" * 6  # both heads are right in the balanced cell; in the other audio alone is
        right, ignorant = tiny_cells.sure(true), np.full((12, 3), 1 / 3)
        made = []
        for curriculum in ("none", "spcl"):
            heads = [right, right if curriculum == balanced else ignorant]
            address = f"d/mmgcn/at/{curriculum}"
            answers = {1: true, 2: true}
            both = {1: heads, 2: heads}
            made.append(tiny_cells.write_cell(tmp_path, address, true, answers, heads=both))
        found = tabulate("findings", Results(**tiny_cells.gathered(*made)))
        # Calm throughout scores a third. Audio makes all of it right, text nothing.
        sign = "+" if word == "more" else "−"  # noqa: RUF001
        assert said(found, balance.QUESTION)[-1] == (
            f"The imbalance degree with spcl was 66.7 points {word} than that without"
            f" (95 % interval {sign}66.7 to {sign}66.7, 1 cell, 2 seeds)."
        )

    def test_a_modality_alone_says_nothing_of_balance(self, tmp_path):
        alone = cells("none", HALF, HALF, modalities="t") | cells("spcl", ALL, ALL, modalities="t")
        found = table(tmp_path, alone)
        assert said(found, balance.QUESTION) == []
        assert any(note.startswith(balance.QUESTION) for note in found.notes)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A simulated corpus whose easy utterances are admitted first, and two seeds."""
    return make_results(
        tmp_path_factory.mktemp("made"),
        datasets=("meld-sim",),
        baselines=("mmgcn",),
        modalities=("atv", "at"),
        seeds=(1, 2),
        n_dialogues=20,
        epochs=6,
    )


class TestAdmits:
    def test_easy_first_is_seen(self, made):
        found = tabulate("findings", Results(**made))
        (sentence,) = said(found, admission.QUESTION)
        (rho,) = found.data.loc[found.data["question"] == admission.QUESTION, "value"]
        assert rho > 0.5
        assert f"is {signed(rho, 2)} (mean of 2 cells" in sentence
        difficulty = tabulate("difficulty", Results(**made)).data
        assert (difficulty.loc[difficulty["part"] == "agreement", "value"] > 0).all()

    def test_half_is_after_the_epoch_that_is_nearest_to_half_of_the_utterances(self):
        first = pd.DataFrame([[1, 2, 3, math.inf], [2, 2, 2, 2]], [1, 2], list("abcd"))
        early = early_half(first)
        assert early.to_numpy().tolist() == [[True, True, False, False], [True] * 4]
        paced = pd.DataFrame([[1, 2, 2, 2]], [1], list("abcd"))  # 25 %, then all at once
        assert early_half(paced).to_numpy().tolist() == [[True, False, False, False]]
        never = pd.DataFrame([[1, math.inf, math.inf, math.inf]], [1], list("abcd"))
        assert early_half(never).to_numpy().tolist() == [[True, False, False, False]]

    @pytest.mark.parametrize(
        ("first_epoch", "words"),
        [
            ([1], "spcl admitted every utterance in the same epoch: there is no order."),
            ([None], "spcl never admitted any utterance: the models were not trained."),
            ([2, None, None], "In the end"),
        ],
    )
    def test_no_order_and_too_few_are_distinguished(self, made, tmp_path, first_epoch, words):
        path = next(path for path in made["curriculum"] if "at-spcl" in path.name)
        rows = parquet.read(path, schemas.ADMISSIONS)
        place = rows.column_names.index("first_epoch")
        values = (first_epoch * len(rows))[: len(rows)]
        rows = rows.set_column(place, "first_epoch", pa.array(values, pa.int32()))
        parquet.write(rows, tmp_path / "c.parquet", schemas.ADMISSIONS)
        found = tabulate("findings", Results(**made | {"curriculum": [tmp_path / "c.parquet"]}))
        (sentence,) = said(found, admission.QUESTION)
        assert words in sentence

    def test_without_probes_it_stays_open_and_is_said(self, made):
        kept = {kind: made[kind] for kind in made if kind != "utterance_difficulty"}
        found = tabulate("findings", Results(**kept))
        assert said(found, admission.QUESTION) == []
        assert any(note.startswith(admission.QUESTION) for note in found.notes)


class TestWorks:
    def test_spcl_is_held_against_each_control_and_rival(self, tmp_path):
        found = table(
            tmp_path,
            cells("none", HALF, HALF)
            | cells("spcl", ALL, ALL)
            | cells("random_pacing", ALL, ALL)
            | cells("spl", HALF, HALF)
            | cells("my_own", HALF, HALF),
        )
        random, utterance, own, absent = said(found, components.QUESTION)
        assert random.startswith("No difference between spcl and random_pacing (as many as spcl")
        assert utterance.startswith("spcl scored 50.0 points more than spl (utterance level alone)")
        assert own.startswith("spcl scored 50.0 points more than my_own (95 %")
        assert absent.startswith("coherence was not trained, so this")

    def test_missing_rivals_are_asked_for(self, tmp_path):
        found = table(tmp_path, cells("none", HALF, HALF) | cells("spcl", ALL, ALL))
        (sentence,) = said(found, components.QUESTION)
        assert sentence.startswith("random_pacing, spl and coherence were not trained, so this")
        assert "config/strategies.yaml" in sentence


class TestThird:
    def test_all_three_are_held_against_the_best_pair_before_and_after(self, tmp_path):
        made = {}
        for modalities, before, after in (("atv", HALF, ALL), ("at", ALL, ALL), ("av", HALF, HALF)):
            made |= cells("none", before, before, modalities=modalities)
            made |= cells("spcl", after, after, modalities=modalities)
        before, after, change = said(table(tmp_path, made), third_modality.QUESTION)
        assert before.startswith(
            "All three modalities without a curriculum scored 50.0 points less"
        )
        assert after.startswith("No difference between all three modalities with spcl and the best")
        assert change.startswith(
            "The third modality with spcl brought 50.0 points more than without (95 % interval +50"
        )

    def test_without_all_three_it_stays_open_and_is_said(self, tmp_path):
        found = table(tmp_path, cells("none", HALF, HALF) | cells("spcl", ALL, ALL))
        assert said(found, third_modality.QUESTION) == []
        assert any(note.startswith(third_modality.QUESTION) for note in found.notes)


def test_nothing_trained_leaves_every_question_open(tmp_path):
    found = tabulate("findings", Results())
    assert len(found.data) == 0
    assert [note.split("?")[0] + "?" for note in found.notes] == [
        asked.QUESTION for asked in QUESTIONS
    ]
    found.write(**{ext: tmp_path / f"t.{ext}" for ext in ("parquet", "md", "tex", "html")})


def test_none_alone_leaves_every_question_open(tmp_path):
    found = table(tmp_path, cells("none", ALL, HALF))
    assert len(found.data) == 0
    assert len(found.notes) == len(QUESTIONS)


def test_the_same_results_give_the_same_bytes(made, tmp_path):
    written = []
    for run in ("first", "second"):
        out = {ext: tmp_path / run / f"t.{ext}" for ext in ("parquet", "md", "tex", "html")}
        found = tabulate("findings", Results(**made))
        found.write(**out)
        written.append({ext: path.read_bytes() for ext, path in out.items()})
        stored = parquet.read(out["parquet"], found.schema)
        assert stored["statement"].to_pylist() == found.data["statement"].tolist()
    assert written[0] == written[1]


def test_sentences_are_broken_into_lines(made):
    found = tabulate("findings", Results(**made))
    assert '<td class="prose">' in found.html()
    assert r"p{0.7\linewidth}" in found.latex()
    assert max(map(len, found.markdown().split("|"))) < 600


class TestSentences:
    @given(
        mean=st.floats(-50, 50),
        below=st.floats(0, 20),
        above=st.floats(0, 20),
        n=st.integers(1, 9),
    )
    def test_more_or_less_is_said_only_where_the_interval_leaves_out_zero(
        self, mean, below, above, n
    ):
        gain = Gain(n, mean, 1.0, mean - below, mean + above)
        sentence = versus("spcl", "none", gain)
        sure = n > 1 and (gain.low > 0 or gain.high < 0)
        plain = sentence.startswith("spcl scored") and "no conclusion" not in sentence
        assert plain == sure
        assert ("No difference" in sentence) == (n > 1 and not sure)

    def test_numbers_are_spelt_as_in_the_tables(self):
        assert signed(-0.04) == "+0.0"
        assert signed(-1.25, 2) == "−1.25"  # noqa: RUF001
        assert (size(-0.012), size(0), size(2.25)) == ("0.01", "0.0", "2.2")
        assert beside(-3.25) == "3.2 points below"
        # The end that decides what is said keeps its sign.
        assert span(-5.1, -0.004) == "95 % interval −5.1 to −0.004"  # noqa: RUF001
        assert span(-0.04, 0) == "95 % interval −0.04 to +0.0"  # noqa: RUF001
        assert (mean_of(1, "cell"), mean_of(3, "cell")) == ("1 cell", "mean of 3 cells")
        assert listed(["a"]) == "a"
        assert listed(["a", "b", "c"]) == "a, b and c"


def test_a_class_on_test_without_training_data_is_a_note(tmp_path):
    shape = {"baselines": ("mmgcn",), "modalities": ("at",), "n_dialogues": 40, "mean_length": 8}
    paths = make_results(tmp_path, datasets=("mine",), seeds=(1,), epochs=2, **shape)
    before = tabulate("findings", Results(**paths))
    assert not any("no training utterance" in note for note in before.notes)

    (path,) = paths["utterances"]
    whole = parquet.read(path, schemas.UTTERANCES)
    rows = whole.to_pylist()
    lost = next(row["emotion"] for row in rows if row["split"] == "test" and row["emotion"])
    for row in rows:
        if row["split"] == "train" and row["emotion"] == lost:
            row["emotion"] = None
    n = sum(row["split"] == "test" and row["emotion"] == lost for row in rows)
    columns = {name: [row[name] for row in rows] for name in whole.column_names}
    columns["emotion"] = pa.array(columns["emotion"]).dictionary_encode()
    changed = schemas.UTTERANCES.table(columns)
    parquet.write(changed, path, schemas.UTTERANCES, **parquet.metadata(whole))
    (note,) = (n for n in tabulate("findings", Results(**paths)).notes if "no training" in n)
    assert note == (
        f"mine: no training utterance has the class {lost}, which no model can learn; {n} test"
        " utterances have it."
    )
