"""A batch: each picture of a folder becomes a clip, a few at a time.

BASE_URL=http://127.0.0.1:8080 SUBSCRIPTION_KEY=sm_... python3 examples/batch.py pictures clips "push in, slowly"

The prompt of `cat.jpg` is the text of `cat.txt` beside it, where there is one. A second run makes the clips that are
missing: it goes on with generations that an interrupted run left on the server, and submits anew what has failed.
"""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stillmotion.client import Client, ClientError, GenerationFailed, NotFound

SUFFIXES = {".avif", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def prompt_of(picture: Path, default: str) -> str:
    """The text beside a picture, or the prompt for all."""
    beside = picture.with_suffix(".txt")
    return beside.read_text("utf-8").strip() if beside.exists() else default


def make(client: Client, picture: Path, clip: Path, prompt: str) -> str:
    """The line of the report on one picture. Raises `ClientError`."""
    if clip.exists():
        return f"{clip}: there already"
    # The id lies beside the clip until the clip is whole, for a run that is interrupted here.
    note = clip.with_suffix(".generation")
    generation_id = note.read_text("utf-8") if note.exists() else client.submit(picture, prompt).id
    note.write_text(generation_id, "utf-8")
    try:
        generation = client.wait(generation_id)
    except (GenerationFailed, NotFound):
        note.unlink()
        raise
    client.download(generation, clip)
    note.unlink()
    return f"{clip}: {generation.engine}, {generation.id}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Make a clip of each picture of a folder.")
    parser.add_argument("pictures", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("prompt")
    parser.add_argument("--at-once", type=int, default=4, help="generations under way at a time")
    asked = parser.parse_args()
    pictures = sorted(path for path in asked.pictures.iterdir() if path.suffix.lower() in SUFFIXES)
    if len({path.stem for path in pictures}) < len(pictures):
        parser.error("two pictures have the same name but for the suffix: their clips would, too")
    asked.clips.mkdir(parents=True, exist_ok=True)
    failed = 0
    # Threads may share a client. The server queues what is more than it renders at once.
    with (
        Client(os.environ["BASE_URL"], os.environ["SUBSCRIPTION_KEY"]) as client,
        ThreadPoolExecutor(asked.at_once) as pool,
    ):
        futures = {
            picture: pool.submit(
                make, client, picture, asked.clips / f"{picture.stem}.mp4", prompt_of(picture, asked.prompt)
            )
            for picture in pictures
        }
        for picture, future in futures.items():
            try:
                print(future.result(), flush=True)
            except ClientError as error:
                failed += 1
                print(f"{picture}: {error}", file=sys.stderr, flush=True)
    print(f"{len(pictures) - failed} of {len(pictures)} pictures have a clip")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
