"""Looking at pictures: faces, saliency and resizing, for engines and media alike."""
