"""From numbers to results: metrics, references, tables, claims, figures."""
