// The messages, live from all servers or from a recorded run: what is asked, kept and shown of them.

const LIVE_MS = 300; // between two questions to a server
const LIVE_EVENTS_MAX = 900; // kept while it is live, of all servers; the oldest go
const WINDOW_EVENTS = 300; // shown at a time
const RUN_BYTES_MAX = 400 * 2 ** 20;

// Adds a server's answer to what is known: { lists, afters, fresh, leftOut, again }. Words where it cannot be.
function takeTrace(live, id, page) {
  if (!isObject(page) || !Array.isArray(page.events) || !isNumber(page.last)) return "answered something that is no trace";
  const known = live.afters.get(id);
  const isAgain = known !== undefined && page.last < known;
  if (isAgain) live.again.add(id);
  let seen = page.last;
  const numbers = page.events.filter((raw) => isObject(raw) && isNumber(raw.number)).map((raw) => raw.number);
  if (numbers.length > 0) {
    if (known !== undefined && !isAgain) live.leftOut += Math.max(0, numbers[0] - known - 1);
    seen = numbers[numbers.length - 1];
  }
  // When there is more than can be shown, only the newest are asked for.
  const skipped = Math.max(0, page.last - LIVE_EVENTS_MAX - seen);
  live.leftOut += skipped;
  live.afters.set(id, seen + skipped);
  const list = live.lists.get(id) || [];
  live.lists.set(id, list);
  for (const event of page.events.map((raw) => readEvent(raw, id)).filter(Boolean).slice(-LIVE_EVENTS_MAX)) {
    list.push(event);
    live.fresh.add(event);
  }
  return "";
}

// What is known, in order. Servers are not asked at the same moment, so what only just came waits for its other end until
// the next answers, if those can have it: a later message of that link would have come after it.
function liveModel(live, answered) {
  let ordered = orderEvents(live.lists);
  if (ordered.events.length > LIVE_EVENTS_MAX) {
    live.leftOut += ordered.events.length - LIVE_EVENTS_MAX;
    live.lists = splitEvents(ordered.events.slice(-LIVE_EVENTS_MAX), live.lists.keys());
    ordered = orderEvents(live.lists);
  }
  const { events, mates } = ordered;
  const [complete, loose, waits] = [new Set(), new Set(), new Set()];
  for (let i = events.length - 1; i >= 0; i -= 1) {
    const { what, server: id, peer } = events[i];
    const link = what === "sent" ? id + ">" + peer : peer + ">" + id;
    if (mates[i] >= 0) complete.add(link);
    else if (what && live.fresh.has(events[i]) && answered.has(peer) && !complete.has(link)) loose.add(i);
  }
  const kept = events.filter((event, i) => {
    if (loose.has(i) || (event.what === "received" && loose.has(mates[i]))) waits.add(event.server);
    if (waits.has(event.server)) loose.add(i);
    return !waits.has(event.server);
  });
  const lists = splitEvents(kept, live.lists.keys());
  return { ...(kept.length < events.length ? orderEvents(lists) : ordered), servers: serversOf(lists) };
}

function splitEvents(events, ids) {
  const lists = new Map([...ids].map((id) => [id, []]));
  for (const event of events) lists.get(event.server).push(event);
  return lists;
}

// A file's content as a model, or { error } in words.
async function openRun(file) {
  if (file.size > RUN_BYTES_MAX) return { error: "“" + file.name + "” has more than " + RUN_BYTES_MAX / 2 ** 20 + " MiB: record for a shorter time." };
  let value;
  try {
    value = JSON.parse(await file.text());
  } catch (error) {
    const why = error instanceof SyntaxError ? "is not JSON" : "cannot be read";
    return { error: "“" + file.name + "” " + why + ". `client trace --seconds 5 > run.json` makes a recorded run." };
  }
  const run = readRun(value);
  if (run.error) return run;
  const model = { ...orderEvents(run.lists), servers: serversOf(run.lists) };
  return model.servers.length > 0 ? { model, ...run } : { error: "This recorded run names no server." };
}

const LAMPORT = "Lamport's algorithm, as it is used here: a server that has commands sends a time-stamped request to all others; each puts it " +
  "into its queue and on its disk and replies “after you”; when all have replied and the request is the earliest in its server's queue, that " +
  "server is in the critical section: it executes the request and sends a release, upon which the others execute it when it is the earliest in " +
  "theirs, so that all execute the same requests in the same order.";
const HINT = "Point at an event, or step through them with the arrow keys, to read it and to see the whole story of its request.";
const HALF_WORDS = { sent: " (not seen to arrive: in flight, or lost)", received: " (not seen to be sent: from before, or not recorded)" };

// The part of the page with the diagram; it stops with `signal`. `hasServers` says whether there is anybody to ask.
function messagesPanel(signal, hasServers) {
  const hidden = new Set();
  const state = { model: null, from: 0, live: null, isPaused: false, notes: new Map(), about: "", byTime: false };
  const story = h("p", { class: "story quiet", "aria-live": "polite" }, HINT);
  const trouble = h("p", { class: "trouble", role: "status" });
  const where = h("p", { class: "where quiet" });
  const box = diagramBox((at) => {
    const told = at < 0 ? HINT : words(at);
    if (story.textContent !== told) story.textContent = told;
    story.classList.toggle("quiet", at < 0);
  });
  const list = h("ol");
  const asList = h("details", { on: { toggle: fillList } }, h("summary", null, "As a list"), list);
  const button = (text, click) => h("button", { type: "button", on: { click } }, text);
  const start = button("Show the messages", startLive);
  const hold = button("Pause", () => {
    state.isPaused = !state.isPaused;
    hold.textContent = state.isPaused ? "Go on" : "Pause";
    draw();
  });
  const stop = button("Stop", () => {
    stopLive();
    state.about += " Stopped: the servers record for ten seconds after they were asked last.";
    draw();
  });
  const input = h("input", { type: "file", accept: ".json,application/json", on: { click: () => { input.value = ""; }, change: () => openFile(input.files[0]) } });
  const earlier = button("Earlier", () => moveTo(state.from - WINDOW_EVENTS / 2));
  const later = button("Later", () => moveTo(state.from + WINDOW_EVENTS / 2));
  const slider = h("input", { type: "range", min: 0, step: 1, "aria-label": "First event that is shown", on: { input: () => moveTo(Number(slider.value)) } });
  const windowing = h("div", { class: "row windowing" }, earlier, slider, later);
  const scale = (text, byTime) => h("label", null, h("input", {
    type: "radio", name: "scale", checked: !byTime, on: { change: () => { state.byTime = byTime; draw(); } },
  }), " " + text);
  const filter = (kind) => h("label", null, h("input", {
    type: "checkbox", checked: true, on: { change: (event) => { hidden[event.target.checked ? "delete" : "add"](kind); draw(); } },
  }), drawSample(kind), h("span", null, traceKinds[kind].legend));
  const shown = h("div", { class: "shown", hidden: true },
    h("fieldset", { class: "row scale" }, h("legend", null, "Scale"), scale("Evenly", false), scale("By time", true)),
    box.element, story, windowing, where,
    h("fieldset", { class: "legend" }, h("legend", null, "What is shown"), Object.keys(traceKinds).map(filter)),
    asList);
  const element = h("section", { class: "watch", "aria-labelledby": "messages" },
    h("h3", { id: "messages" }, "Messages"),
    h("div", { class: "row" }, hasServers && start, hold, stop, h("label", { class: "file" }, "Open a recorded run ", input)),
    trouble, shown, h("p", { class: "quiet" }, LAMPORT));
  hold.hidden = stop.hidden = true;
  const onDrag = (name, open) => document.addEventListener(name, (event) => {
    if (name !== "dragleave") event.preventDefault();
    element.classList.toggle("dropping", name === "dragover");
    if (open) openFile(event.dataTransfer.files[0]);
  }, { signal });
  onDrag("dragover");
  onDrag("dragleave");
  onDrag("drop", true);

  const isFollowing = () => state.live !== null && !state.isPaused;
  const words = (at) => tellEvent(state.model.events[at]) + (state.model.mates[at] < 0 ? HALF_WORDS[state.model.events[at].what] || "" : "");

  function moveTo(from) {
    const last = Math.max(0, state.model.events.length - WINDOW_EVENTS);
    state.from = Math.min(Math.max(0, Math.round(from)), last);
    draw();
  }

  function draw() {
    if (!state.model) return;
    const { events, servers } = state.model;
    if (isFollowing()) state.from = Math.max(0, events.length - WINDOW_EVENTS);
    const range = { from: state.from, until: Math.min(events.length, state.from + WINDOW_EVENTS), isFollowing: isFollowing() };
    const shapes = arrangeEvents(state.model, { ...range, hidden, byTime: state.byTime });
    const label = "Messages between servers " + servers.join(", ") + ": " + plural(shapes.shown.length, "event");
    box.show(state.model, shapes, range, state.notes, label, "A line for each server, time to the right, an arrow for each message. The same events are told under “As a list”.");
    shown.hidden = false;
    windowing.hidden = events.length <= WINDOW_EVENTS || isFollowing();
    [slider.max, slider.value] = [Math.max(0, events.length - WINDOW_EVENTS), state.from];
    slider.setAttribute("aria-valuetext", "from event " + (state.from + 1));
    earlier.disabled = state.from === 0;
    later.disabled = range.until === events.length;
    const slips = clockSlips(state.model, range.from, range.until);
    where.textContent = [
      events.length === 0 ? "Nothing is said but life signs, which are left out: reserve something." : "Events " + (range.from + 1) + " to " + range.until + " of " + events.length + ".",
      state.about, ...[...state.notes].map(([id, why]) => "Server " + id + ": " + why + "."),
      slips > 0 && "By the servers' clocks, which differ, " + plural(slips, "message") + " came before being sent.",
    ].filter(Boolean).join(" ");
    if (asList.open) fillList();
  }

  function fillList() {
    if (!asList.open || !state.model) return list.replaceChildren();
    const { events } = state.model;
    const until = Math.min(events.length, state.from + WINDOW_EVENTS);
    const places = Array.from({ length: until - state.from }, (_, n) => state.from + n).filter((i) => !hidden.has(events[i].kind));
    list.replaceChildren(...places.map((i) => h("li", { value: i + 1 }, words(i))));
  }

  function take(model, about, notes) {
    Object.assign(state, { model, about, notes });
    draw();
  }

  async function openFile(file) {
    if (!file) return;
    stopLive();
    trouble.textContent = "Reading “" + file.name + "” …";
    await pause(30, signal); // so that this is seen
    const run = await openRun(file);
    if (signal.aborted) return;
    trouble.textContent = run.error || "";
    if (run.error) return;
    state.from = 0;
    const about = ["From “" + file.name + "”.", run.missing > 0 && "Missing, as there were too many: " + plural(run.missing, "event") + ".",
      run.odd > 0 && "Not understood and left out: " + plural(run.odd, "entry", "entries") + "."];
    take(run.model, about.filter(Boolean).join(" "), run.troubles);
    box.toStart();
    element.scrollIntoView();
  }

  function stopLive() {
    state.live = null;
    state.isPaused = false;
    hold.hidden = stop.hidden = true;
    hold.textContent = "Pause";
    start.hidden = false;
  }

  async function startLive() {
    const live = { lists: new Map(net.servers.filter((one) => isServerId(one.id)).map((one) => [one.id, []])), afters: new Map(), fresh: new Set(), again: new Set(), leftOut: 0, before: "" };
    Object.assign(state, { live, isPaused: false });
    start.hidden = true;
    hold.hidden = stop.hidden = false;
    hold.focus();
    shown.hidden = false;
    element.scrollIntoView();
    trouble.textContent = "";
    while (state.live === live && !signal.aborted) {
      if (!state.isPaused && document.visibilityState === "visible") await askAll(live);
      await pause(LIVE_MS, signal);
    }
  }

  // Asks every server once, all at a time.
  async function askAll(live) {
    live.fresh = new Set();
    const notes = new Map();
    const answered = new Set();
    const refusals = await Promise.all(net.servers.filter((one) => live.lists.has(one.id)).map(async (at) => {
      const answer = await askOne(at, "GET", "/v1/trace?after=" + (live.afters.get(at.id) || 0), { signal });
      if (state.live !== live) return "";
      const detail = (answer.body && answer.body.detail) || answer.failed || "status " + answer.status;
      const why = answer.ok ? takeTrace(live, at.id, answer.body) : detail;
      if (why) notes.set(at.id, why);
      else answered.add(at.id);
      if (answer.body && answer.body.code === "token-needed") byId("proof").open = true;
      return answer.status === 401 || answer.status === 403 ? detail : "";
    }));
    if (state.live !== live || signal.aborted) return;
    const refusal = refusals.find(Boolean);
    if (refusal && answered.size === 0) {
      trouble.textContent = refusal;
      stopLive();
      return;
    }
    for (const id of state.model ? state.model.servers : []) if (!live.lists.has(id)) notes.set(id, "cannot be asked, it has no HTTP address");
    // What is held back is shown when nothing more comes; after that the picture stays. A pause while it was asked stands.
    const now = live.fresh.size + " " + [...notes];
    const isSame = live.fresh.size === 0 && now === live.before && state.model;
    live.before = now;
    if (isSame || state.isPaused) return;
    const about = [...live.again].map((id) => "Server " + id + " was started again.");
    const model = liveModel(live, answered);
    if (live.leftOut > 0) about.unshift("Earlier ones that are left out: " + live.leftOut + ".");
    take(model, about.join(" "), notes);
  }
  return element;
}
