"""Obtaining data sets: the catalogue, its sources, downloads, archives, package registries."""
