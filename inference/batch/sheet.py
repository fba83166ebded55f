"""The contact sheet of a batch: index.html with every photo's picture, state, numbers and doubts, all in one file."""

import base64
import html
import io
import os
from pathlib import Path
from urllib.parse import quote

from ..errors import PortraitError
from ..files import write_atomically
from ..photo.open import open_thumbnail
from ..report import read_report
from .items import Item, is_number

NAME = "index{}.html"
PER_PAGE = 500  # photos; about 2 MB, which browsers show at once
SIDE, QUALITY = 128, 80  # pixels of a thumbnail and its JPEG quality: about 3 kB
STATES = {
    "done": "done", "skipped": "done before", "failed": "failed", "waiting": "to do", "working": "at work",
}  # fmt: skip
# Nothing is fetched and nothing runs, whatever a photo is called.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; background: #222; color: #ddd }
h1 { font-size: 1.3em } a { color: #8bf } nav a { margin-right: 1em }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(22em, 100%), 1fr)); gap: 1em }
article { display: flex; gap: .7em; background: #303030; border-left: 4px solid #5a5; padding: .6em }
article div:last-child { flex: 1; overflow-wrap: anywhere }
article.failed { border-color: #d55 } article.waiting, article.working { border-color: #888 }
article.doubtful { border-color: #da3 }
img, .none { flex: none; width: 128px; height: 128px; background: #444; object-fit: contain }
h2 { font-size: 1em; margin: 0 } p { margin: .2em 0 } .doubt { color: #fc6 } .error { color: #f99 }
"""


def write_sheet(items: list[Item], out: Path) -> None:
    """Write index.html, and index-2.html and so on where there are many photos. Raises PortraitError.

    items: all photos of the batch. out: the folder of results.
    """
    pages = [items[start : start + PER_PAGE] for start in range(0, len(items), PER_PAGE)]
    for number, page in enumerate(pages):
        text = _page(page, out, _head(items), number, len(pages))
        write_atomically(out / _name(number), lambda stream, text=text: stream.write(text.encode("utf-8", "replace")))
    for old in out.glob(NAME.format("-*")):  # of a batch with more photos
        if old.name.removeprefix("index-").removesuffix(".html").isdecimal() and int(old.stem[6:]) > len(pages):
            old.unlink(missing_ok=True)


def _name(number):
    return NAME.format(f"-{number + 1}" if number else "")


def _head(items):
    counts = {state: sum(item.status == state for item in items) for state in STATES}
    doubtful = sum(bool(item.warnings) for item in items)
    parts = [f"{count} {STATES[state]}" for state, count in counts.items() if count]
    return ", ".join(parts + ([f"{doubtful} doubtful"] if doubtful else []))


def _page(items, out, head, number, count):
    title = html.escape(f"Portraits, page {number + 1} of {count}: {head}" if count > 1 else f"Portraits: {head}")
    links = "".join(f'<a href="{_name(other)}">{other + 1}</a>' for other in range(count)) if count > 1 else ""
    cards = "\n".join(_card(item, out) for item in items)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        f"<nav>{links}</nav>\n<main>\n{cards}\n</main>\n</body>\n</html>\n"
    )


def _card(item, out):
    report = read_report(out / item.folder) if item.status in ("done", "skipped") else {}
    name = html.escape(item.name)
    title = f'<a href="{quote(os.fsencode(item.folder))}/">{name}</a>' if report else name
    lines = [f"<p>{html.escape(line)}</p>" for line in _numbers(item, report)]
    lines += [f'<p class="doubt">{html.escape(warning["text"])}</p>' for warning in item.warnings]
    lines += [f'<p class="error">{html.escape(item.error)}</p>'] if item.error else []
    kind = item.status + (" doubtful" if item.warnings else "")
    picture = _picture(out / item.folder, report)
    return f'<article class="{kind}">{picture}<div><h2>{title}</h2>{"".join(lines)}</div></article>'


def _numbers(item, report):
    state = STATES[item.status]
    yield f"{state}, {item.seconds:.1f} s" if item.seconds else state
    photo, pose = report.get("photo"), report.get("pose")
    if isinstance(photo, dict) and all(is_number(photo.get(side)) for side in ("width", "height")):
        yield f"{photo['width']} × {photo['height']} pixels"
    if isinstance(pose, dict) and all(is_number(pose.get(angle)) for angle in ("yaw", "pitch", "roll")):
        yield f"turned {pose['yaw']:+.0f}°, {pose['pitch']:+.0f}°, tilted {pose['roll']:+.0f}°"
    if is_number(memory := report.get("peak_memory_mb")):
        yield f"{memory:.0f} MB"


def _picture(folder, report):
    from PIL import Image

    if report:
        try:
            packed = io.BytesIO()
            Image.fromarray(open_thumbnail(folder / "crop.png", SIDE)).save(packed, "JPEG", quality=QUALITY)
            return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(packed.getvalue()).decode()}">'
        except PortraitError:
            pass  # somebody took it away
    return '<div class="none"></div>'

