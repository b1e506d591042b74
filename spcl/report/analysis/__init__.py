"""Computations that tables and figures share: scores, costs, resampling, statistical tests.

A function here takes pandas frames (`results.Results`) and returns frames or numbers. It draws and
writes nothing.
"""
