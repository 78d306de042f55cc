// A space-time diagram as shapes: a line for each server, time to the right, arrows between the lines. Nothing is drawn
// here: events in, coordinates out, all in pixels.

const ROW_PX = 92;
const ROW_MANY_PX = 70; // from five servers on
const TOP_PX = 44;
const MARGIN_PX = 28;
const STEP_PX = 24; // between two events, evenly
const STEP_FAN_PX = 9; // between the sendings of one message to all
const MEDIAN_GAP_PX = 16; // what the median pause gets, by time
const GAP_MAX_PX = 110; // a longer pause is cut
const HALF_PX = 18; // how far half an arrow reaches to the side
const BAR_PX = 18;
const TICK_PX = 130; // between two times below

// How much room an event needs behind it.
function roomAfter(event) {
  if (event.kind === "executed") return 30 + 7 * (String(event.position).length + (event.commands > 1 ? 1.6 + String(event.commands).length : 0));
  if (event.kind === "activated") return 30 + 6.2 * event.view.length;
  if (event.kind === "view" || event.kind === "catch_up") return 34;
  if (event.kind === "suspected" || event.kind === "left") return 88;
  return STEP_PX;
}

// Each event a column, in causal order.
function placeEvenly(events, shown) {
  const xs = new Map();
  let x = MARGIN_PX;
  shown.forEach((i, k) => {
    if (k > 0) {
      const [before, event] = [events[shown[k - 1]], events[i]];
      const isFan = before.what === "sent" && event.what === "sent" && before.server === event.server && saidKey(before) === saidKey(event);
      x += isFan ? STEP_FAN_PX : roomAfter(before);
    }
    xs.set(i, x);
  });
  return { xs, cuts: [] };
}

// By the servers' clocks; long pauses are cut.
function placeByTime(events, shown) {
  const sorted = [...shown].sort((a, b) => events[a].at - events[b].at || a - b);
  const gaps = sorted.slice(1).map((i, k) => events[i].at - events[sorted[k]].at);
  const waits = gaps.filter((gap) => gap > 0).sort((a, b) => a - b);
  const scale = MEDIAN_GAP_PX / (waits[waits.length >> 1] || 1);
  const [xs, cuts] = [new Map(), []];
  let x = MARGIN_PX;
  sorted.forEach((i, k) => {
    if (k > 0) {
      const wide = gaps[k - 1] * scale;
      if (wide > GAP_MAX_PX) cuts.push({ x: x + GAP_MAX_PX / 2, label: timeText(gaps[k - 1]) });
      x += Math.min(wide, GAP_MAX_PX);
    }
    xs.set(i, x);
  });
  return { xs, cuts };
}

// A time in microseconds, short.
function timeText(us) {
  if (us < 1000) return us + " µs";
  if (us < 1e6) return (us / 1e3).toFixed(us < 1e4 ? 1 : 0) + " ms";
  return us < 6e7 ? (us / 1e6).toFixed(1) + " s" : Math.round(us / 6e7) + " min";
}

// The same, to tell two of them from each other.
const sinceText = (us) => (us < 1e6 ? (us / 1e3).toFixed(2) + " ms" : (us / 1e6).toFixed(3) + " s");

// The lines of a model: of all servers that are named in it.
function serversOf(lists) {
  const ids = new Set(lists.keys());
  for (const list of lists.values()) for (const event of list) if (event.peer) ids.add(event.peer);
  return [...ids].sort((a, b) => a - b);
}

// The shapes of the events between two places of the order, without those of hidden kinds.
function arrangeEvents(model, { from, until, hidden, byTime }) {
  const { events, mates, servers } = model;
  const step = servers.length > 4 ? ROW_MANY_PX : ROW_PX;
  const rows = servers.map((id, r) => ({ id, y: TOP_PX + r * step }));
  const yOf = new Map(rows.map((row) => [row.id, row.y]));
  const shown = [];
  for (let i = from; i < until; i += 1) if (!hidden.has(events[i].kind)) shown.push(i);
  const { xs, cuts } = (byTime ? placeByTime : placeEvenly)(events, shown);
  const ends = shown.map((i) => xs.get(i) + roomAfter(events[i]));
  const width = Math.ceil(ends.reduce((most, end) => Math.max(most, end), 2 * MARGIN_PX));
  const next = nextOnLine(events, shown);
  const shapes = { rows, shown, width, height: TOP_PX + (rows.length - 1) * step + 58, arrows: [], dots: [], bars: [], marks: [], cuts, ticks: [] };
  for (const i of shown) {
    const event = events[i];
    const [x, y] = [xs.get(i), yOf.get(event.server)];
    if (event.what) {
      shapes.dots.push({ of: i, x, y, kind: event.kind, isSent: event.what === "sent" });
      const arrow = arrowOf(event, x, y, xs.get(mates[i]), yOf.get(event.peer), mates[i] < 0);
      if (arrow) shapes.arrows.push({ of: i, mate: mates[i], kind: event.kind, label: traceKinds[event.kind].short || event.step, ...arrow });
    } else if (event.kind === "executed") {
      const isOwn = event.stamp.server === event.server;
      const end = isOwn ? releasedAt(events, next, xs, i) : x;
      shapes.bars.push({ of: i, x, y, width: Math.max(BAR_PX, end - x + 6), isOwn, label: String(event.position), commands: event.commands });
    } else {
      const label = { activated: "view " + event.view, suspected: event.peer + " crashed?", left: "left" }[event.kind];
      shapes.marks.push({ of: i, x, y, kind: event.kind, label });
    }
  }
  shapes.ticks = ticksOf(events, shown, xs);
  return shapes;
}

// One whole arrow at its sending; half of one at either end where the other is not among the shown ones ("out", "in")
// or was not seen at all ("lost", "before").
function arrowOf(event, x, y, mateX, peerY, isAlone) {
  const isSent = event.what === "sent";
  if (mateX !== undefined) return isSent ? { x1: x, y1: y, x2: mateX, y2: peerY, half: "" } : null;
  const reach = (peerY - y) * 0.42;
  if (isSent) return { x1: x, y1: y, x2: x + HALF_PX, y2: y + reach, half: isAlone ? "lost" : "out" };
  return { x1: x - HALF_PX, y1: y + reach, x2: x, y2: y, half: isAlone ? "before" : "in" };
}

// For each event, the one after it on its server's line.
function nextOnLine(events, shown) {
  const [next, last] = [new Map(), new Map()];
  for (const i of shown) {
    const id = events[i].server;
    if (last.has(id)) next.set(last.get(id), i);
    last.set(id, i);
  }
  return next;
}

// Where who is in the critical section has told the last one that it has been in.
function releasedAt(events, next, xs, of) {
  let end = xs.get(of);
  for (let i = next.get(of); i !== undefined; i = next.get(i)) {
    const { kind, what, stamp } = events[i];
    if (kind !== "release" || what !== "sent" || stamp.clock < events[of].stamp.clock) break;
    end = Math.max(end, xs.get(i));
  }
  return end;
}

// Times below, since the first event that is shown.
function ticksOf(events, shown, xs) {
  const began = shown.reduce((least, i) => Math.min(least, events[i].at), Infinity);
  const ticks = [];
  for (const i of [...shown].sort((a, b) => xs.get(a) - xs.get(b))) {
    const last = ticks[ticks.length - 1];
    if (!last || xs.get(i) - last.x >= TICK_PX) ticks.push({ x: xs.get(i), label: "+" + sinceText(events[i].at - began) });
  }
  return ticks;
}
