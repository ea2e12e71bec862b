"""The embedded engine: one picture, a depth-limited warp, two CPU cores, no weights."""

from stillmotion.engines.parallax.render import Parallax

__all__ = ["Parallax"]
