"""How descent finds a minimum: optimizers written out, on functions of two variables and on logistic regression."""
