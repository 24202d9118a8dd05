"""Models by name: where their weights come from, and the network definitions that TensorFlow packages do not carry."""
