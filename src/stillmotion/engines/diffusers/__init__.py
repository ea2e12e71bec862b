"""Open-weight models through diffusers. Only modules of this folder import torch, and only when the engine is used."""
