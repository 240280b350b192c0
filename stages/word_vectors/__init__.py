"""Word vectors: skip-gram, CBOW and GloVe, scored by how well they agree with human judgements."""
