"""ComfyUI as a renderer: its HTTP client, its workflows and its progress messages."""
