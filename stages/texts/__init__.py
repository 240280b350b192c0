"""Texts on their way to numbers: readers of data sets, words, vocabularies, subsampling, co-occurrences."""
