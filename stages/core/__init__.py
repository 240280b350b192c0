"""What every training shares: parameters, data, device, training loop. Train stages depend on the whole folder."""
