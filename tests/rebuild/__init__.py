"""Tests of what we add around DVC, on a project of shell commands."""
