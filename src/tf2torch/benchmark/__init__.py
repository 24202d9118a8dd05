"""How fast the engine native is, and how much memory it takes: `make benchmark`.

`command` imports no framework. What is measured runs in child processes, which start each time anew, where TensorFlow
is or where PyTorch is: `export`; `conversion`, `latency` and `capture`.
"""
