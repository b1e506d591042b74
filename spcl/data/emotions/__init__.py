"""Emotion labels: how a name is spelt, in which order classes stand, what an integer means."""
