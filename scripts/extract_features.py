"""Extract the features of one modality."""
