"""Covariate, label and concept shift: trained in one environment, used in another, and what mends that."""
