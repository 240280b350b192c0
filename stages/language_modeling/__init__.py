"""Language models: n-grams, neural n-grams, recurrent networks, the Transformer, and mixtures of two of them."""
