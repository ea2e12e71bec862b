"""Open-weight models through diffusers. Only modules of this folder import torch, and none of them until it is used."""
