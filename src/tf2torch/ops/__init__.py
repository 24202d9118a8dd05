"""What each TensorFlow op is in PyTorch: one function each, by family. Import `tf2torch.ops.registry` for all."""
