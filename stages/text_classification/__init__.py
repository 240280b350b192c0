"""Text classifiers: rules, counts of words, word averaging, recurrent and convolutional networks."""
