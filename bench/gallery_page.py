"""The page of rungs: one screen for each photograph, clips that play only where they are seen, and keys to step."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

KEYS = (
    ("↓ ↑", "the next or last photograph"),
    ("→ ←", "the next or last prompt"),
    ("Enter", "the prompt over the whole window, and back"),
    ("Space", "from the start"),
    ("x", "mark what looks wrong"),
    ("c", "copy the marks"),
)

STYLE = """
* { box-sizing: border-box; }
html { scroll-snap-type: y proximity; }
body { margin: 0; background: #16181c; color: #d5d8de; font: 13px/1.35 system-ui, sans-serif; }
header { padding: .5rem 1rem; color: #9aa0ab; }
kbd { border: 1px solid #555b66; border-radius: 3px; padding: 0 .3em; color: #e8eaee; }
section { min-height: 100vh; padding: .4rem .6rem; scroll-snap-align: start; }
h2 { margin: 0 0 .3rem; font-size: 15px; }
.cells { display: grid; grid-template-columns: repeat(3, 1fr); gap: .4rem; }
@media (max-width: 1200px) { .cells { grid-template-columns: repeat(2, 1fr); } }
figure { margin: 0; padding: .25rem; border: 2px solid transparent; border-radius: 4px; background: #1f2228; }
figure.on { border-color: #6ea8fe; }
figure.wrong { background: #47211f; }
.three { display: grid; grid-template-columns: repeat(3, 1fr); gap: .25rem; }
.three div { position: relative; }
video { display: block; width: 100%; background: #000; max-height: 20vh; object-fit: contain; }
.three span { position: absolute; left: 3px; top: 2px; padding: 0 .35em; background: #000a; font-size: 11px; }
figcaption { overflow: hidden; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; }
figcaption b { color: #fff; }
figure.large { position: fixed; inset: 0; z-index: 1; display: flex; flex-direction: column; justify-content: center; }
figure.large video { max-height: 84vh; }
figure.large figcaption { font-size: 15px; -webkit-line-clamp: 8; padding: .5rem; }
"""

SCRIPT = """
const rows = [...document.querySelectorAll('section')];
const kept = 'wrong clips of ' + location.pathname;
const wrong = new Set(JSON.parse(localStorage.getItem(kept) || '[]'));
let row = 0, cell = 0;
const cells = () => [...rows[row].querySelectorAll('figure')];
const videos = part => [...part.querySelectorAll('video')];
const play = video => { if (!video.src) video.src = video.dataset.src; video.play().catch(() => {}); };
const rest = video => { if (video.src) { video.pause(); video.removeAttribute('src'); video.load(); } };
const show = () => {
    document.querySelectorAll('figure').forEach(each => {
        each.classList.toggle('wrong', wrong.has(each.id));
        each.classList.toggle('on', each === cells()[cell]);
    });
};
const watch = new IntersectionObserver(seen => {
    for (const each of seen) {
        videos(each.target).forEach(each.isIntersecting ? play : rest);
        if (each.intersectionRatio > 0.5) { row = rows.indexOf(each.target); show(); }
    }
}, { threshold: [0, 0.51] });
rows.forEach(each => watch.observe(each));
const go = to => {
    row = Math.max(0, Math.min(rows.length - 1, to));
    cell = Math.min(cell, cells().length - 1);
    rows[row].scrollIntoView();
    show();
};
const enlarge = on => {
    document.querySelectorAll('figure.large').forEach(each => each.classList.remove('large'));
    if (on) { cells()[cell].classList.add('large'); restart(); }
};
const restart = () => videos(cells()[cell]).forEach(each => { each.currentTime = 0; play(each); });
const step = by => {
    const large = cells()[cell].classList.contains('large'), to = cell + by, count = cells().length;
    if (to < 0 && row) { go(row - 1); cell = cells().length - 1; }
    else if (to >= count && row < rows.length - 1) { cell = 0; go(row + 1); }
    else cell = Math.max(0, Math.min(count - 1, to));
    show();
    enlarge(large);
};
const blame = () => {
    const name = cells()[cell].id;
    if (!wrong.delete(name)) wrong.add(name);
    localStorage.setItem(kept, JSON.stringify([...wrong]));
    show();
};
const actions = {
    ArrowDown: () => { enlarge(false); go(row + 1); }, ArrowUp: () => { enlarge(false); go(row - 1); },
    ArrowRight: () => step(1), ArrowLeft: () => step(-1), ' ': restart, x: blame,
    Enter: () => enlarge(!cells()[cell].classList.contains('large')), Escape: () => enlarge(false),
    c: () => navigator.clipboard.writeText([...wrong].sort().join('\\n')),
};
addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || !actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
});
show();
"""


@dataclass(frozen=True)
class Clips:
    """Files of one prompt's three clips, relative to the page, and the plans of the engine's two."""

    prompt: str
    today: str
    below: str
    zoompan: str
    plan: str
    plan_below: str


@dataclass(frozen=True)
class Row:
    """A photograph's clips, one for each prompt; `shape` is the frame's, as CSS writes a ratio."""

    name: str
    shape: str
    clips: tuple[Clips, ...]


def page(rows: Sequence[Row], expected: int) -> str:
    """The whole page, of as many rows as are made out of the `expected`."""
    keys = " ".join(f"<kbd>{escape(key)}</kbd> {what}." for key, what in KEYS)
    made = f"{len(rows)} of {expected} photographs" if len(rows) < expected else f"{expected} photographs"
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>The rungs side by side</title>\n'
        f"<style>{STYLE}</style>\n<header>{made}. In each cell: the engine, the engine one rung down, zoompan on a "
        f"picture enlarged to 8000 pixels; then the plan. {keys}</header>\n"
        + "\n".join(map(_section, rows))
        + f"\n<script>{SCRIPT}</script>\n</html>\n"
    )


def _section(row: Row) -> str:
    cells = "".join(_figure(row, clips) for clips in row.clips)
    return f'<section><h2>{escape(row.name)}</h2><div class="cells">{cells}</div></section>'


def _figure(row: Row, clips: Clips) -> str:
    plan, below = json.loads(clips.plan), json.loads(clips.plan_below)
    shown = ((clips.today, rung_of(plan)), (clips.below, rung_of(below)), (clips.zoompan, "zoompan"))
    videos = "".join(
        f'<div><video data-src="{escape(file)}" style="aspect-ratio: {row.shape}" loop muted playsinline></video>'
        f"<span>{escape(label)}</span></div>"
        for file, label in shown
    )
    return (
        f'<figure id="{escape(f"{row.name}: {clips.prompt}")}"><div class="three">{videos}</div>'
        f"<figcaption><b>{escape(clips.prompt)}</b> {escape(understood(plan))}</figcaption></figure>"
    )


def rung_of(plan: Mapping[str, Any]) -> str:
    """The rung that a plan tells of, and the evidence for it: what a label has room for."""
    if plan["depth"] in ("none", "left out"):
        return "plane"
    evidence = next((f"{name} {plan[name]:.2f}" for name in ("mask", "gate") if name in plan), "")
    return f"{plan['layers']} layers, {evidence}" if plan["layers"] > 1 else f"soft warp, {plan['depth']}"


def understood(plan: Mapping[str, Any]) -> str:
    """A plan in words."""
    moves = ", then ".join(" and ".join(together) for together in plan["moves"])
    parts = {"camera": moves + (" (from the picture)" if plan["chosen_from_picture"] else "")}
    parts |= {"subject": ", ".join(plan["subject"]), "ambient": ", ".join(plan["ambient"])}
    parts["left out"] = "; ".join(f"{item['words']} ({item['reason']})" for item in plan["ignored"])
    return " · ".join(f"{name}: {words}" for name, words in parts.items() if words)
