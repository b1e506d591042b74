"""A small training split, and epochs with random logits instead of a network."""

import torch

from spcl.curriculum import TrainingSet

SETTINGS = {
    "none": {},
    "spcl": {"threshold": "auto"},
    "spl": {"threshold": "auto"},
    "coherence": {"threshold": "auto"},
    "baby_step": {},
    "transfer_teacher": {},
    "random_pacing": {},
    "anti": {},
}
"""Every curriculum, by the settings that it is tested with."""

BALANCING = {
    "unimodal_loss": {},
    "modality_dropout": {},
    "ogm_ge": {},
    "agm": {},
    "opm": {},
    "mmpareto": {},
    "cggm": {},
    "gradient_blending": {"every": 1},
    "relearning": {"every": 1},
    "unimodal_teacher": {},
}
"""Every balancing method, in the same way."""


def made_training_set(
    lengths, *, modalities=2, classes=3, unlabelled=0.1, epochs=10, seed=0, pace=None, probe=1.0
):
    """Random labels and probes; the first dialogue has no shift rate. `probe` scales the logits."""
    generator = torch.Generator().manual_seed(seed)
    n = sum(lengths)
    labels = torch.randint(classes, (n,), generator=generator)
    labels[torch.rand(n, generator=generator) < unlabelled] = -1
    logits = probe * torch.randn(modalities, n, classes, generator=generator, dtype=torch.float64)
    answers = torch.randn(modalities, n, classes, generator=generator, dtype=torch.float64)
    rate = torch.rand(len(lengths), generator=generator, dtype=torch.float64)
    rate[0] = torch.nan
    n_labelled = int((labels >= 0).sum())
    pace = [n_labelled // 4, n_labelled // 2, n_labelled] if pace is None else pace
    return TrainingSet(
        labels=labels,
        lengths=torch.tensor(lengths),
        epochs=epochs,
        seed=seed,
        probes={m: z.log_softmax(-1) for m, z in zip("atv", logits, strict=False)},
        shift_rate=rate,
        pace=torch.tensor(pace),
        teachers={m: z.log_softmax(-1) for m, z in zip("atv", answers, strict=False)},
    )


def steps_of(known, *, batch_size, seed, classes=3, dtype=torch.float32):
    """One epoch's arguments of `Curriculum.forward`: (logits, labels, lengths, rows) a step."""
    generator = torch.Generator().manual_seed(seed)
    ends = known.lengths.cumsum(0).tolist()
    rows_of = [torch.arange(end - int(k), end) for end, k in zip(ends, known.lengths, strict=True)]
    for chosen in torch.randperm(len(rows_of), generator=generator).split(batch_size):
        rows = torch.cat([rows_of[dialogue] for dialogue in chosen])
        shape = len(known.probes), len(rows), classes
        logits = 2 * torch.randn(*shape, generator=generator, dtype=torch.float64)
        yield logits.to(dtype), known.labels[rows], known.lengths[chosen], rows


def admitted(curriculum, known, *, epochs, batch_size=4, first_seed=0):
    """Run `epochs` and return the admitted utterances of each, a list of (n,) bool."""
    masks = []
    for epoch in range(epochs):
        mask = torch.zeros(len(known.labels), dtype=torch.bool)
        for arguments in steps_of(known, batch_size=batch_size, seed=first_seed + epoch):
            mask[arguments[-1]] = curriculum(*arguments).selected
        masks.append(mask)
        curriculum.step()
    return masks
