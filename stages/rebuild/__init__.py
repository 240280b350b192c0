"""What we add around DVC: stages side by side, a lint, a guard against edits while a stage runs."""
