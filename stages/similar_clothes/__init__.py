"""Case study: fine-grained classes, five similar kinds of clothes by few labelled pictures."""
