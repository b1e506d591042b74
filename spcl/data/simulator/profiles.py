"""What the simulated corpora follow of the real ones, and how strongly emotions show.

Frequencies, shift rates and the share of one-utterance dialogues are those of the real corpora;
dialogues are shorter (IEMOCAP: 50 labelled utterances, MELD: 10), so that a demo with enough test
dialogues stays small.
"""

from dataclasses import dataclass

from spcl.data.emotions import labels


@dataclass(frozen=True)
class Profile:
    """What the conversations of a corpus are like.

    Attributes
    ----------
    frequencies
        Label -> utterances in the real corpus' training part.
    shift_rate
        Share of adjacent utterances whose emotions differ.
    lengths
        Shortest and longest dialogue that is not a single utterance, utterances.
    single_share
        Share of dialogues of one utterance.
    turn_share
        Share of adjacent utterances whose speakers differ.
    speakers
        Number of speakers -> weight.
    unlabelled
        Code of an annotation without a usable majority -> share of utterances.
    """

    frequencies: dict[str, int]
    shift_rate: float
    lengths: tuple[int, int]
    single_share: float
    turn_share: float
    speakers: dict[int, float]
    unlabelled: dict[str, float]


IEMOCAP = Profile(
    frequencies=dict(zip(labels.IEMOCAP, (452, 839, 1324, 933, 742, 1468), strict=True)),
    shift_rate=0.447,
    lengths=(5, 9),
    single_share=0.0,
    turn_share=0.75,
    speakers={2: 1.0},
    unlabelled={"xxx": 0.04, "oth": 0.01, "sur": 0.01},
)

MELD = Profile(
    frequencies=dict(zip(labels.MELD, (4710, 1205, 268, 683, 1743, 271, 1109), strict=True)),
    shift_rate=0.600,
    lengths=(3, 9),
    single_share=0.06,
    turn_share=0.7,
    speakers={1: 0.08, 2: 0.42, 3: 0.28, 4: 0.14, 5: 0.08},
    unlabelled={},
)

FEELING = {  # the corpora's labels and codes -> what is simulated, one wording, voice and face each
    "hap": "joy",
    "sad": "sadness",
    "neu": "neutral",
    "ang": "anger",
    "exc": "excitement",
    "fru": "frustration",
    "neutral": "neutral",
    "surprise": "surprise",
    "fear": "fear",
    "sadness": "sadness",
    "joy": "joy",
    "disgust": "disgust",
    "anger": "anger",
    "sur": "surprise",
    "xxx": "neutral",
    "oth": "neutral",
}


@dataclass(frozen=True)
class Expression:
    """How reliably one modality shows what is felt.

    Attributes
    ----------
    shown
        Share of utterances that show the felt emotion; the others show neutral or, half the time,
        another emotion by the corpus' frequencies.
    strength
        Factor on the emotion's offsets from neutral, for voice and face.
    noise
        Standard deviation of each parameter of voice or face, in units of its typical offset.
    """

    shown: float
    strength: float = 1.0
    noise: float = 0.0


# In a part of the utterances the words do not show the emotion, but voice or face does, so that a
# joint model can be better than a classifier on the text alone.
WORDS = Expression(shown=0.55)
VOICE = Expression(shown=0.90, strength=1.0, noise=0.43)
FACE = Expression(shown=0.75, strength=0.9, noise=0.5)
