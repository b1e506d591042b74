"""Aggregation: cells become tables with statistics, and figures."""
