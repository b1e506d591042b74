"""The offline difficulty stage: how hard a corpus is before any training of the grid."""
