"""MMdnn 0.3.1 as an engine: its own IR and its own code generator, behind an import-time adapter."""
