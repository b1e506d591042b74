"""Corpora: raw trees in, canonical tables out; and simulated corpora in the same raw trees."""
