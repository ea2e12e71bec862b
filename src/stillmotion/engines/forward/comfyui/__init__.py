"""ComfyUI as a rendering server: HTTP client, workflows, progress messages."""
