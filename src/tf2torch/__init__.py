"""TensorFlow networks as PyTorch source, with a proof that they compute the same."""
