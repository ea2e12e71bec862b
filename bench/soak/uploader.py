"""A client of low priority that sends a picture many times at once: `-m bench.soak.uploader BASE KEY COUNT BYTES`."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp

from stillmotion.cli.sample_picture import draw_sample

PATH = "/uploads"
PIECE = 256 * 1024
BOUNDARY = "a-line-between-parts"
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n'
    "Content-Type: image/jpeg\r\n\r\n"
).encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()


async def _send(http: aiohttp.ClientSession, base: str, key: str, content: bytes) -> str:
    async def body() -> AsyncIterator[bytes]:
        for start in range(0, len(content), PIECE):
            yield content[start : start + PIECE]

    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(len(content)),
    }
    try:
        async with http.post(base + PATH, data=body(), headers=headers) as answer:
            await answer.read()
            return str(answer.status)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return type(error).__name__


async def _main(base: str, key: str, count: int, size: int) -> None:
    picture = draw_sample()
    content = HEAD + picture + bytes(size - len(picture)) + TAIL
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=300)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        answers = Counter(await asyncio.gather(*(_send(http, base, key, content) for _ in range(count))))
    print(", ".join(f"{name} {number}" for name, number in sorted(answers.items())))


if __name__ == "__main__":
    os.nice(19)
    asyncio.run(_main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
