"""Pickles read without being run: plain values and arrays come out, and nothing is called."""
