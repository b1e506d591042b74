"""Emotion labels: spelling of names, order of classes, meaning of integers."""
