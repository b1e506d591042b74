"""Balancing methods: how much each modality learns from a step.

Rivals of curricula under the same interface. Each method is a file with its name in the config,
which ends in ``CURRICULUM = <the class>``. `base` has what they share.
"""
