"""The TensorFlow side: build or load the network, name its output, record what it computes."""
