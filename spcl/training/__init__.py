"""Training: one cell of the grid, from tables to tables."""
