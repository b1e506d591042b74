"""Emotion labels: spelling of names, order of classes, meaning of integers.

What a label means in one format belongs to that format's module in `spcl.data.formats`.
"""
