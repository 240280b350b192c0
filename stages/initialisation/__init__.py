"""First weights: variances by layer, vanishing and exploding gradients, symmetric units, and what can be learned."""
