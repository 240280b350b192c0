"""Logistic regression, a convex problem, by every optimizer of the family whose code this one runs."""
