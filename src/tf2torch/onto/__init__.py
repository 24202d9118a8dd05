"""Weights onto PyTorch networks: another checkpoint onto generated source, and onto networks that others wrote."""
