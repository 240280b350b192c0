"""A straight line through points: a family as small as can be, for tests of what all families share."""
