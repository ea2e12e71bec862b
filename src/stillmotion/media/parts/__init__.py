"""Picture files taken apart: what is decoded, and what stands beside it, which can never refuse a picture."""
