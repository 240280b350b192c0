"""Generative models of images: documents 002, 003 and 004."""
