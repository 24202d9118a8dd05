"""The PyTorch side of the proof: compare with what TensorFlow recorded, and report it."""
