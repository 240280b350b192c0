"""Models that make images: documents 002, 003 and 004."""
