"""The style and the script of the page of a conversation."""

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  color: #1b1b1b; background: #fff; margin: 2rem auto; padding: 0 1.5rem; max-width: 80rem; }
h1 { font-size: 1.45rem; margin: 0 0 .5rem; }
h2 { font-size: 1.05rem; margin: 1.5rem 0 .25rem; }
p { max-width: 52rem; margin: .4rem 0; }
.small { color: #505050; font-size: .875rem; }
.simulated { color: #b00020; font-weight: 700; }
audio, video { display: block; position: sticky; top: 0; z-index: 2; background: #fff; }
audio { width: 100%; padding: .4rem 0; }
video { max-height: 15rem; max-width: 100%; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; padding: 0; }
.legend abbr { color: #505050; text-decoration: none; }
.swatch { display: inline-block; width: 1.6em; height: 1em; margin-right: .35em;
  vertical-align: -.1em; border: 1px solid #1b1b1b; background: var(--fill); }
.timeline { overflow-x: auto; padding-bottom: .4rem; }
.lane { display: flex; align-items: center; margin: .3rem 0; }
.lane b { flex: 0 0 7rem; position: sticky; left: 0; z-index: 1; background: #fff;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding-right: .5rem; }
.lane div { position: relative; flex: 1; height: 2rem; background: #f3f3f3; }
.block { position: absolute; top: 0; bottom: 0; box-sizing: border-box; min-width: 5px;
  border: 1px solid #1b1b1b; background: var(--fill); overflow: hidden; text-align: center;
  color: #1b1b1b; text-decoration: none; font-size: .8rem; line-height: 1.9rem; }
.block span { background: #fff; padding: 0 .2em; border-radius: .2em; }
.block.now { outline: 3px solid #1b1b1b; z-index: 1; }
.controls { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; align-items: baseline; }
table { border-collapse: collapse; width: 100%; border-bottom: 2px solid #1b1b1b; }
th { text-align: left; padding: .3rem .7rem; border-bottom: 1px solid #1b1b1b;
  border-top: 2px solid #1b1b1b; }
td { padding: .3rem .7rem; vertical-align: top; border-top: 1px solid #e4e4e4;
  white-space: nowrap; }
td.words { white-space: normal; min-width: 14rem; }
td.time { font-variant-numeric: tabular-nums; }
tr { scroll-margin-top: 5rem; }
tr.now td { background: #fff4d6; }
tr:focus { outline: 3px solid #0072b2; outline-offset: -2px; }
button { font: inherit; font-variant-numeric: tabular-nums; cursor: pointer; white-space: nowrap; }
.chip { border-left: .7em solid var(--color); padding-left: .4em; }
.bar { display: block; position: relative; width: 7rem; height: .55rem; background: #ececec;
  margin: .35rem 0 .1rem; }
.bar i { position: absolute; inset: 0 auto 0 0; background: var(--color); }
.bar u { position: absolute; top: 40%; height: 20%; background: #1b1b1b; }
details { font-size: .875rem; color: #505050; }
summary { cursor: pointer; }
details ul { margin: .1rem 0; padding-left: 1.1rem; }
@media (max-width: 50rem) {
  thead, tr[hidden] { display: none !important; }
  td[data-head]::before { content: attr(data-head) ": "; color: #505050; }
  tr { display: block; padding: .4rem 0; border-top: 1px solid #b4b4b4; }
  td { display: inline-block; border: 0; padding: .1rem .5rem .1rem 0; }
  td.words { display: block; min-width: 0; }
}
@media print { audio, video, .controls { display: none; } tr { break-inside: avoid; } }
"""

SCRIPT = """
const player = document.getElementById("player"), apart = document.getElementById("apart");
const rows = [...document.querySelectorAll("tbody tr")];
const blocks = new Map([...document.querySelectorAll(".block")].map(b => [b.hash.slice(1), b]));
const clips = rows.map(row => row.querySelector("button[data-source]"));
let stop = null, loaded = -1;
function mark(row) {
  document.querySelectorAll(".now").forEach(one => one.classList.remove("now"));
  document.querySelectorAll("[aria-current]").forEach(one => one.removeAttribute("aria-current"));
  if (!row) return;
  row.classList.add("now");
  row.setAttribute("aria-current", "true");
  blocks.get(row.id)?.classList.add("now");
}
function focusOn(row) { mark(row); row.focus(); row.scrollIntoView({block: "nearest"}); }
function cue(button, play) {
  const source = Number(button.dataset.source), start = Number(button.dataset.start);
  const go = () => { player.currentTime = start; if (play) player.play(); };
  stop = button.dataset.end === undefined ? null : Number(button.dataset.end);
  if (source === loaded) return go();
  loaded = source;
  player.addEventListener("loadedmetadata", go, {once: true});
  player.src = SOURCES[source];
  player.load();
}
if (player && clips.some(Boolean)) {
  cue(clips.find(Boolean), false);
  stop = null;
  clips.forEach((button, i) => button?.addEventListener("click", () => {
    mark(rows[i]);
    cue(button, true);
  }));
  player.addEventListener("timeupdate", () => {
    const t = player.currentTime;
    if (stop !== null && t >= stop) { stop = null; player.pause(); return; }
    const i = clips.findIndex(b => b && Number(b.dataset.source) === loaded
      && Number(b.dataset.start) <= t && t < Number(b.dataset.end ?? Infinity));
    if (i >= 0 && !player.paused && !rows[i].classList.contains("now")) mark(rows[i]);
  });
}
blocks.forEach((block, id) => block.addEventListener("click", event => {
  event.preventDefault();
  focusOn(document.getElementById(id));
}));
apart?.addEventListener("change", () => {
  for (const row of rows) row.hidden = apart.checked && !row.classList.contains("apart");
});
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, button, summary, audio, video")
      && !["j", "k", "p"].includes(event.key)) return;
  const shown = rows.filter(row => !row.hidden);
  const at = shown.findIndex(row => row.classList.contains("now"));
  const step = {j: 1, ArrowDown: 1, k: -1, ArrowUp: -1}[event.key];
  if (step) {
    const next = shown[Math.min(Math.max(at + step, 0), shown.length - 1)];
    if (next) focusOn(next);
  } else if (event.key === "p" && player) {
    const button = rows.find(row => row.classList.contains("now"))?.querySelector("[data-source]");
    if (!player.paused) player.pause();
    else if (button) cue(button, true);
    else player.play();
  } else return;
  event.preventDefault();
});
"""
