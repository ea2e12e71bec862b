"""Writers: the MP4 encoder, its index, thumbnails and previews."""
