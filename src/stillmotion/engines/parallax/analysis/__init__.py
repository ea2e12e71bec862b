"""The picture as the engine sees it: faces, segments, saliency, drawings."""
