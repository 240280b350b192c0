"""Case study: many small colour pictures by category, emoji of one designer for training, of two for testing."""
