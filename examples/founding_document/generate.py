"""The founding document's Python program against your own server: submit, poll, download.

BASE_URL=http://127.0.0.1:8080 SUBSCRIPTION_KEY=sm_... python3 generate.py IMAGE "leaning girl" [clip.mp4]

IMAGE is the URL of a picture, or a file, which is sent along in the request.
"""

import base64
import json
import mimetypes
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

BASE_URL = os.environ.get("BASE_URL", "http://127.0.0.1:8080")
KEY = os.environ.get("SUBSCRIPTION_KEY", "")


def post(path: str, body: dict[str, str]) -> Any:
    """One call, as the document shows it, with the key added."""
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-cache",
        "Ocp-Apim-Subscription-Key": KEY,
    }
    request = urllib.request.Request(BASE_URL + path, json.dumps(body).encode("utf-8"), headers, method="POST")
    try:
        with urllib.request.urlopen(request) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        sys.exit(f"{error.code}: {error.read().decode()}")


def address(image: str) -> str:
    """A URL as it is, a file as a data URI."""
    if image.startswith(("http://", "https://")):
        return image
    kind = mimetypes.guess_type(image)[0] or "image/jpeg"
    return f"data:{kind};base64,{base64.b64encode(Path(image).read_bytes()).decode()}"


def main(image: str, prompt: str, clip: str = "clip.mp4") -> None:
    """From a picture and a sentence to a file."""
    data = {"url": address(image), "prompt": prompt}
    generation = post("/lumalabs-ai/v1/generateRequestFromImage", data)
    print("accepted as", generation["id"])
    while generation["state"] not in ("completed", "failed"):
        time.sleep(1)
        generation = post("/lumalabs-ai-polling/v1/getStatus", {"task_id": generation["id"]})
        print(generation["state"])
    if generation["state"] == "failed":
        sys.exit(generation["failure_reason"])
    urllib.request.urlretrieve(generation["assets"]["video"], clip)
    print("saved", clip)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
