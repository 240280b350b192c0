"""Small supervised experiments on vectors: documents 000, 002, 003 and 004."""
