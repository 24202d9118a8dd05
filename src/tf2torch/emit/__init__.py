"""From the tree of classes to a file of source, its weights, and the files made of them. PyTorch side."""

from tf2torch.emit.formats import build
from tf2torch.emit.package import sketch, write
from tf2torch.emit.title import Title

__all__ = ["Title", "build", "sketch", "write"]
