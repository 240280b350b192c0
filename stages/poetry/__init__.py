"""Language models of verse, a character at a time, with and without a clipped gradient."""
