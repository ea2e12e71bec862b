"""Request bodies: read with limits, and parsed as strict JSON, forms and data URIs."""
