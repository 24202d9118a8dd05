"""The engines: each is a package with one module per stage, and each module has `run(job, kept, products)`."""
