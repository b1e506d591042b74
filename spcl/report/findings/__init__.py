"""The questions behind SPCL, and their answers in sentences that the numbers support."""
