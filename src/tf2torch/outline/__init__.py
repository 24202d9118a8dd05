"""From a flat graph of PyTorch calls to a tree of classes: modules, scopes, composition, classes, names."""
