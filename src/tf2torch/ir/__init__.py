"""The intermediate representation: frozen types, and what reads, prints, checks and runs a graph."""
