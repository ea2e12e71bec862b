"""The embedded engine: one picture, a depth-limited warp, two CPU cores, no weights."""

from stillmotion.engines.parallax.engine import Parallax

__all__ = ["Parallax"]
