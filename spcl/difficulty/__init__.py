"""Difficulty of utterances and conversations, computed before training.

`probe` scores the utterances in one modality with a logistic regression; `conversations` scores
dialogues. Other offline scores belong here. Curricula measure the difficulty during training, see
`spcl.curriculum.difficulty`.
"""
