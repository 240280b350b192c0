"""Classification of small grey images: documents 000, 002 and 004."""
