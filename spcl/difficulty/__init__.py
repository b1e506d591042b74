"""Difficulty of utterances and conversations, scored before any training.

`probe` scores utterances by modality with a logistic regression; `conversations` scores dialogues.
Another offline score goes here. It imports `spcl.data` and `spcl.tables`. A curriculum scores
difficulty during training itself, see `spcl.curriculum.measurer`.
"""
