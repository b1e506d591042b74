"""A corpus from its publisher: fetched whole or not at all, and unpacked into its own folder."""
