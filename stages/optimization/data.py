"""Starting points and tables, as `stages/core/data.py` keeps them."""
