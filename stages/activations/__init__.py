"""Activation functions: how fast MLPs learn with them, and how many of their units are saturated or dead."""
