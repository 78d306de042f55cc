// Shapes of a diagram as SVG, and stepping through them by pointer and keys.

const ARROW_PX = 9; // length of an arrow's head
const BAR_HALF_PX = 7;

// The head of an arrow, by kind: a filled triangle, an open one, a diamond.
function arrowHead(kind, { x1, y1, x2, y2 }) {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length];
  const at = (back, side) => (x2 - dx * back - dy * side).toFixed(1) + " " + (y2 - dy * back + dx * side).toFixed(1);
  const points = kind === "release"
    ? [at(3, 0), at(3 + ARROW_PX / 2, 4), at(3 + ARROW_PX, 0), at(3 + ARROW_PX / 2, -4)]
    : [at(3 + ARROW_PX, 4), at(3, 0), at(3 + ARROW_PX, -4)];
  return "M" + points.join("L") + (kind === "reply" ? "" : "Z");
}

function drawArrow(arrow) {
  const { kind, half, x1, y1, x2, y2, of } = arrow;
  const lean = half ? 0.5 : 0.3;
  const [lx, ly] = [x1 + (x2 - x1) * lean, y1 + (y2 - y1) * lean];
  const parts = [h("svg:path", { class: "shaft", d: `M${x1} ${y1}L${x2} ${y2}` })];
  if (half !== "lost" && half !== "out") parts.push(h("svg:path", { class: "tip", d: arrowHead(kind, arrow) }));
  const loose = half === "lost" ? [x2, y2] : half === "before" ? [x1, y1] : null;
  if (loose) parts.push(h("svg:path", { class: "loose", d: `M${loose[0] - 4} ${loose[1] - 4}l8 8m0 -8l-8 8` }));
  parts.push(h("svg:text", { x: lx, y: ly + 3, class: "short" }, arrow.label));
  return h("svg:g", { class: "arrow k-" + kind + (half ? " half" : ""), "data-of": of }, ...parts);
}

function drawBar({ x, y, width, isOwn, label, commands, of }) {
  return h("svg:g", { class: "bar" + (isOwn ? " own" : ""), "data-of": of },
    h("svg:rect", { x: x - 3, y: y - BAR_HALF_PX, width, height: 2 * BAR_HALF_PX, rx: 4 }),
    h("svg:text", { x: x - 3, y: y - BAR_HALF_PX - 5 }, h("svg:tspan", { class: "position" }, label), commands === 1 ? "" : " ×" + commands));
}

function drawMark({ x, y, kind, label, of }) {
  const d = kind === "activated" ? `M${x} ${y - 24}V${y + 24}M${x} ${y - 24}h9l-3 4l3 4h-9`
    : kind === "suspected" ? `M${x} ${y - 9}l8 15h-16Z` : `M${x - 6} ${y - 6}l12 12m0 -12l-12 12`;
  const [tx, ty] = kind === "activated" ? [x + 13, y - 16] : [x + 10, y - 9];
  return h("svg:g", { class: "mark k-" + kind, "data-of": of }, h("svg:path", { d }), h("svg:text", { x: tx, y: ty }, label));
}

const drawDot = ({ x, y, kind, isSent, of }) => h("svg:g", { class: "dot k-" + kind, "data-of": of },
  h("svg:circle", { class: "near", cx: x, cy: y, r: 9 }),
  h("svg:circle", { class: isSent ? "sent" : "received", cx: x, cy: y, r: 3.4 }));

// The diagram. `label` is what it is called where it is not seen.
function drawDiagram(shapes, label, words) {
  const { rows, width, height, cuts, ticks } = shapes;
  const bottom = height - 22;
  return h("svg:svg", { id: "diagram", role: "img", "aria-label": label, width, height },
    h("svg:title", null, label), h("svg:desc", null, words),
    cuts.map((cut) => h("svg:g", { class: "cut" },
      h("svg:rect", { x: cut.x - 7, y: 8, width: 14, height: bottom - 8 }),
      h("svg:text", { x: cut.x, y: bottom + 15 }, cut.label))),
    rows.map((row) => h("svg:line", { class: "line", x1: 0, x2: "100%", y1: row.y, y2: row.y })),
    shapes.bars.map(drawBar), shapes.arrows.map(drawArrow), shapes.marks.map(drawMark), shapes.dots.map(drawDot),
    ticks.filter((tick) => !cuts.some((cut) => Math.abs(cut.x - tick.x - 20) < 60)).map((tick) => h("svg:g", { class: "tick" },
      h("svg:line", { x1: tick.x, x2: tick.x, y1: bottom, y2: bottom + 4 }), h("svg:text", { x: tick.x + 3, y: bottom + 15 }, tick.label))));
}

// The servers' names, beside the diagram so that they stay when it scrolls.
function drawNames({ rows, height }, notes) {
  const width = 70;
  return h("svg:svg", { class: "names", width, height, "aria-hidden": "true" },
    rows.map((row) => h("svg:g", { class: notes.has(row.id) ? "name quiet-name" : "name" },
      h("svg:circle", { cx: 28, cy: row.y, r: 14 }), h("svg:text", { x: 28, y: row.y + 5 }, String(row.id)),
      h("svg:line", { class: "line", x1: 42, x2: width, y1: row.y, y2: row.y }),
      notes.has(row.id) ? h("svg:text", { class: "flag", x: 28, y: row.y + 29 }, "no answer") : null)));
}

// A kind's line in the legend.
function drawSample(kind) {
  const of = { of: "", kind };
  const shape = kind === "executed" ? [drawBar({ ...of, x: 12, y: 12, width: 24, isOwn: true, label: "", commands: 1 })]
    : kind === "activated" || kind === "suspected" || kind === "left" ? [drawMark({ ...of, x: 20, y: kind === "activated" ? 26 : 12, label: "" })]
    : [drawArrow({ ...of, x1: 4, y1: 12, x2: 42, y2: 12, half: "", label: "" }), drawDot({ ...of, x: 5, y: 12, isSent: true })];
  return h("svg:svg", { width: 46, height: 24, "aria-hidden": "true", class: "sample" }, ...shape);
}

// A box with a diagram in it that can be stepped through. `chosen` is told which event (by its place) is looked at, or -1.
function diagramBox(chosen) {
  const names = h("div");
  const box = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "The messages; left and right step through the events" });
  const element = h("div", { class: "messages" }, names, box);
  const state = { model: null, shapes: null, at: -1, isHeld: false, from: 0, until: 0 };
  let parts = new Map();

  function look(at, isHeld) {
    if (at === state.at && isHeld === state.isHeld) return;
    state.at = at;
    state.isHeld = isHeld;
    box.classList.toggle("told", at >= 0);
    for (const one of box.querySelectorAll(".in, .here")) one.classList.remove("in", "here");
    if (at >= 0) {
      for (const of of storyOf(state.model, at, state.from, state.until)) for (const part of parts.get(of) || []) part.classList.add("in");
      for (const part of parts.get(at) || []) part.classList.add("here");
    }
    chosen(at);
  }

  function scrollTo(at) {
    const dot = (parts.get(at) || []).at(-1);
    if (!dot) return;
    const [inner, outer] = [dot.getBoundingClientRect(), box.getBoundingClientRect()];
    if (inner.left < outer.left + 30 || inner.right > outer.right - 60) box.scrollLeft += inner.left - outer.left - outer.width / 2;
  }

  const under = (event) => {
    const part = event.target.closest ? event.target.closest("[data-of]") : null;
    return part ? Number(part.dataset.of) : -1;
  };
  box.addEventListener("pointerover", (event) => { if (!state.isHeld) look(under(event), false); });
  box.addEventListener("pointerleave", () => { if (!state.isHeld) look(-1, false); });
  box.addEventListener("click", (event) => { const at = under(event); look(at, at >= 0); });
  box.addEventListener("keydown", (event) => {
    const { shown } = state.shapes || { shown: [] };
    const place = shown.indexOf(state.at);
    const to = {
      ArrowRight: place < 0 ? 0 : place + 1, ArrowLeft: place < 0 ? shown.length - 1 : place - 1, Home: 0, End: shown.length - 1,
    }[event.key];
    if (event.key === "Escape") look(-1, false);
    if (to === undefined || shown[to] === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    look(shown[to], true);
    scrollTo(shown[to]);
  });

  // Draws these shapes of a model; what was looked at is still looked at, if it is there.
  function show(model, shapes, range, notes, label, words) {
    const before = state.at >= 0 ? state.model.events[state.at] : null;
    const { isHeld } = state;
    const atEnd = box.scrollLeft + box.clientWidth > box.scrollWidth - 60;
    const svg = drawDiagram(shapes, label, words);
    Object.assign(state, { model, shapes, at: -1, isHeld: false }, range);
    parts = new Map();
    for (const part of svg.querySelectorAll("[data-of]")) {
      const of = Number(part.dataset.of);
      for (const one of part.classList.contains("arrow") ? [of, model.mates[of]] : [of]) parts.set(one, [...(parts.get(one) || []), part]);
    }
    names.replaceChildren(drawNames(shapes, notes));
    box.classList.remove("told");
    box.replaceChildren(svg);
    const again = before ? shapes.shown.find((i) => model.events[i] === before) : undefined;
    if (again !== undefined) look(again, isHeld);
    else if (before) chosen(-1);
    if (range.isFollowing && atEnd && !isHeld) box.scrollLeft = box.scrollWidth;
  }
  return { element, show, toStart: () => { box.scrollLeft = 0; } };
}
