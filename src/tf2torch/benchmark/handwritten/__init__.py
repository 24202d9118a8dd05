"""Networks that were written by hand as the target of the emitter: what it prints is to be as short and as fast."""

# The class in the module of that name. Its one argument is the number of classes.
NETWORKS = {"inception_v3": "InceptionV3", "resnet_v1_50": "ResNetV1"}
