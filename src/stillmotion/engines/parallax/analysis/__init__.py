"""Analysis of the picture: faces, line segments, saliency, drawings."""
