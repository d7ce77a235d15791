"""The process that decodes pictures: it reads them from standard input, and can neither write files nor grow for ever.

One request is a line of JSON (``kind``, ``bytes``) and that many bytes; one answer a line of JSON (``refused``, or
``bytes``, ``media_type``, ``width``, ``height``) and that many bytes. It ends with its input.
"""

import json
import resource
import sys
from typing import BinaryIO, Final

from kernel.pictures.cleaning import clean_picture
from kernel.pictures.kinds import NoPicture

MOST_MEMORY_BYTES: Final = 2 * 1024**3


def main() -> None:
    """Answer one request after the other."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while line := requests.readline():
        asked = json.loads(line)
        _answer(answers, requests.read(asked["bytes"]), asked["kind"])


def _answer(answers: BinaryIO, content: bytes, kind: str) -> None:
    try:
        cleaned = clean_picture(content, kind=kind)  # type: ignore[arg-type]  # said by our own process
    except NoPicture as refusal:
        said: dict[str, object] = {"refused": str(refusal), "bytes": 0}
        written = b""
    else:
        written = cleaned.content
        about = {"media_type": cleaned.media_type, "width": cleaned.width, "height": cleaned.height}
        said = {**about, "bytes": len(written)}
    answers.write(json.dumps(said).encode() + b"\n")
    answers.write(written)
    answers.flush()


if __name__ == "__main__":
    main()
