"""From the tree of classes to a file of source, its weights, and the files made of them. PyTorch side."""
