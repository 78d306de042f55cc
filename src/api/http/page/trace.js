// What servers saw of the algorithm: checked, paired, put in order, told in words. Values in, values out: no page here.

const RUN_FORMAT = "boxoffice-trace-1";
const RUN_SERVERS_MAX = 9; // as in cluster.yaml
const RUN_EVENTS_MAX = 250000; // of one server, as `client trace` records
const VIEW_CHARS_MAX = 40; // of a view's name

// Kinds of events: of messages (`short` stands at the arrow) and of what a server does by itself.
const traceKinds = {
  request: { short: "req", legend: "request: “let me in”" },
  reply: { short: "rep", legend: "reply: “after you”, up to that request" },
  release: { short: "rel", legend: "release: “I have been in”" },
  view: { legend: "a step of a change of view" },
  leave: { short: "leave", legend: "“I leave”" },
  catch_up: { short: "catch up", legend: "catching up" },
  executed: { legend: "in the critical section: executes a request" },
  activated: { legend: "works in a new view" },
  suspected: { legend: "takes a server for crashed" },
  left: { legend: "has left" },
};
const VIEW_STEPS = ["prepare", "promise", "refused", "install", "installed", "activate"];

const isServerId = (value) => Number.isInteger(value) && value >= 1 && value <= RUN_SERVERS_MAX;
const isNumber = (value) => Number.isSafeInteger(value) && value >= 0;
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const stampText = (stamp) => stamp.clock + "." + stamp.server;

function readStamp(raw) {
  return isObject(raw) && isNumber(raw.clock) && isServerId(raw.server) ? { clock: raw.clock, server: raw.server } : null;
}

// A message as it was told: { kind, stamp, step, view }, or null.
function readSaid(raw) {
  if (raw === "leave" || raw === "catch_up") return { kind: raw, stamp: null, step: "", view: "" };
  if (!isObject(raw)) return null;
  for (const [kind, member] of [["request", "request"], ["reply", "until"], ["release", "until"]]) {
    if (raw[kind] === undefined) continue;
    const stamp = isObject(raw[kind]) ? readStamp(raw[kind][member]) : null;
    return stamp && { kind, stamp, step: "", view: "" };
  }
  const change = raw.view;
  if (!isObject(change) || !VIEW_STEPS.includes(change.step) || typeof change.view !== "string") return null;
  return { kind: "view", stamp: null, step: change.step, view: change.view.slice(0, VIEW_CHARS_MAX) };
}

// One event as a server tells it, or null where it is none. `what` is sent, received or "" (what it does by itself).
function readEvent(raw, id) {
  if (!isObject(raw) || !isNumber(raw.at_us) || !isServerId(id)) return null;
  const event = { server: id, at: raw.at_us, what: "", kind: "", peer: 0, stamp: null, step: "", view: "", position: 0, commands: 0, members: null };
  if (raw.what === "left") return { ...event, kind: "left" };
  if (!isObject(raw.what)) return null;
  const { sent, received, executed, activated, suspected } = raw.what;
  if (isObject(sent) || isObject(received)) {
    const peer = isObject(sent) ? sent.to : received.from;
    const said = readSaid((isObject(sent) ? sent : received).said);
    if (!said || !isServerId(peer) || peer === id) return null;
    return Object.assign(event, said, { what: isObject(sent) ? "sent" : "received", peer });
  }
  if (isObject(executed)) {
    const stamp = readStamp(executed.request);
    if (!stamp || !isNumber(executed.position) || !isNumber(executed.commands)) return null;
    return Object.assign(event, { kind: "executed", stamp, position: executed.position, commands: executed.commands });
  }
  if (isObject(activated)) {
    const members = Array.isArray(activated.members) ? activated.members.slice(0, RUN_SERVERS_MAX + 1) : [];
    if (typeof activated.view !== "string" || members.length > RUN_SERVERS_MAX || !members.every(isServerId)) return null;
    return Object.assign(event, { kind: "activated", view: activated.view.slice(0, VIEW_CHARS_MAX), members });
  }
  if (isObject(suspected) && isServerId(suspected.server)) return Object.assign(event, { kind: "suspected", peer: suspected.server });
  return null;
}

// A recorded run: { lists, missing, troubles, odd }, each by server, or { error } in words.
function readRun(value) {
  if (!isObject(value) || value.format === undefined) return { error: "This is no recorded run: it has no “format”." };
  if (value.format !== RUN_FORMAT) return { error: "This has another format than " + RUN_FORMAT + ": it is from another version, or something else." };
  if (!Array.isArray(value.events)) return { error: "This recorded run is damaged: it has no list of events." };
  const run = { lists: new Map(), missing: 0, troubles: new Map(), odd: 0 };
  for (const one of Array.isArray(value.servers) ? value.servers.slice(0, RUN_SERVERS_MAX) : []) {
    if (!isObject(one) || !isServerId(one.id)) continue;
    run.lists.set(one.id, []);
    if (isNumber(one.missing)) run.missing += one.missing;
    if (typeof one.trouble === "string") run.troubles.set(one.id, one.trouble.slice(0, 200));
  }
  for (let i = 0; i < value.events.length; i += 1) {
    const raw = value.events[i];
    const event = readEvent(raw, isObject(raw) ? raw.server : 0);
    value.events[i] = null; // a large run is not kept twice
    if (!event) {
      run.odd += 1;
      continue;
    }
    if (!run.lists.has(event.server)) run.lists.set(event.server, []);
    const list = run.lists.get(event.server);
    if (list.length < RUN_EVENTS_MAX) list.push(event);
    else run.missing += 1;
  }
  return run;
}

// What must be equal of a message's two ends.
const saidKey = (event) => event.kind + (event.stamp ? stampText(event.stamp) : event.step + event.view);

// Which sending each receiving belongs to: on each link, the first of those that said the same, in order. Indexes into
// `events`, -1 where there is none.
function pairEvents(events) {
  const mates = new Int32Array(events.length).fill(-1);
  const waiting = new Map();
  events.forEach((event, i) => {
    if (event.what !== "sent") return;
    const key = event.server + ">" + event.peer + saidKey(event);
    const queue = waiting.get(key);
    if (queue) queue.sends.push(i);
    else waiting.set(key, { sends: [i], next: 0 });
  });
  events.forEach((event, i) => {
    if (event.what !== "received") return;
    const queue = waiting.get(event.peer + ">" + event.server + saidKey(event));
    if (!queue || queue.next === queue.sends.length) return;
    mates[i] = queue.sends[queue.next];
    mates[mates[i]] = i;
    queue.next += 1;
  });
  return mates;
}

// All servers' events in one order: each server's own order is kept, nothing is received before it is sent, and beyond
// that the earlier comes first. A clock that is behind is moved on by what arrives, as Lamport's is. The same events
// come out in the same order. { events, mates }.
function orderEvents(lists) {
  const ids = [...lists.keys()].sort((a, b) => a - b);
  const all = ids.flatMap((id) => lists.get(id));
  const mates = pairEvents(all);
  const times = new Float64Array(all.length);
  const places = new Int32Array(all.length).fill(-1); // in the order
  let begin = 0;
  const lines = ids.map((id) => {
    const line = { next: begin, end: begin + lists.get(id).length, time: 0 };
    begin = line.end;
    return line;
  });
  const order = new Int32Array(all.length);
  for (let count = 0; count < all.length; ) {
    let first = null;
    let stuck = null;
    let best = Infinity;
    for (const line of lines) {
      if (line.next === line.end) continue;
      const event = all[line.next];
      const mate = event.what === "received" ? mates[line.next] : -1;
      if (mate >= 0 && places[mate] < 0) {
        if (!stuck || event.at < all[stuck.next].at) stuck = line;
        continue;
      }
      const time = Math.max(event.at, line.time + 1, mate >= 0 ? times[mate] + 1 : 0);
      if (time < best) [first, best] = [line, time];
    }
    if (!first) {
      // Two that said the same more than once were taken for each other: nothing waits for itself.
      mates[mates[stuck.next]] = -1;
      mates[stuck.next] = -1;
      continue;
    }
    times[first.next] = first.time = best;
    places[first.next] = count;
    order[count] = first.next;
    first.next += 1;
    count += 1;
  }
  return {
    events: Array.from(order, (i) => all[i]),
    mates: Int32Array.from(order, (i) => (mates[i] < 0 ? -1 : places[mates[i]])),
  };
}

// How many messages between two places of the order came before they were sent, by the servers' clocks.
function clockSlips({ events, mates }, from, until) {
  let count = 0;
  for (let i = from; i < until; i += 1) if (events[i].what === "received" && mates[i] >= 0 && events[mates[i]].at > events[i].at) count += 1;
  return count;
}

// The events between two places of the order that tell the same story as this one: a request until all have executed
// it, a change of view, a farewell. Replies and releases stand for all requests up to theirs, so the first that is late
// enough is the one.
function storyOf({ events, mates }, of, from, until) {
  const story = new Set([of]);
  if (mates[of] >= 0) story.add(mates[of]);
  const { kind, stamp, view, server: id, peer, what } = events[of];
  const leaver = what === "received" ? peer : id;
  const told = new Set();
  for (let i = from; i < until; i += 1) {
    const event = events[i];
    if (stamp && event.stamp && event.stamp.server === stamp.server) {
      if (event.kind === "request" || event.kind === "executed") {
        if (event.stamp.clock === stamp.clock) story.add(i);
      } else if (event.stamp.clock >= stamp.clock) {
        const link = event.kind + event.what + event.server + ">" + event.peer;
        if (!told.has(link)) story.add(i);
        told.add(link);
      }
    } else if (view && event.view === view) story.add(i);
    else if (kind === "leave" || kind === "left") {
      if (event.kind === "left" ? event.server === leaver : event.kind === "leave" && (event.what === "received" ? event.peer : event.server) === leaver) story.add(i);
    } else if (kind === "suspected" && event.kind === kind && event.peer === peer) story.add(i);
  }
  return story;
}

// What happened, in plain English.
function tellEvent(event) {
  const { server: id, peer, what, kind, view, step } = event;
  const stamp = event.stamp && stampText(event.stamp);
  const other = "server " + peer;
  switch (kind) {
    case "executed": {
      const does = event.stamp.server === id ? " is in the critical section: executes its own request " : " executes request ";
      return "server " + id + does + stamp + " at position " + event.position + ", " + plural(event.commands, "command");
    }
    case "activated": return "server " + id + " works in view " + view + ", with " + plural(event.members.length, "member") + ": " + event.members.join(", ");
    case "suspected": return "server " + id + " takes " + other + " for crashed";
    case "left": return "server " + id + " has left the cluster";
  }
  const words = {
    request: () => "let me in, with request " + stamp,
    reply: () => "after you, up to " + stamp,
    release: () => "I have been in, up to " + stamp,
    leave: () => "I leave",
    catch_up: () => "something to catch up by (a question, or a part of the answer)",
    view: () => ({
      prepare: "promise to accept no older view than " + view,
      promise: "I promise for view " + view + ", and here is all that I have",
      refused: "no, I have promised a higher view than " + view,
      install: "this is what view " + view + " starts from",
      installed: "I have accepted view " + view,
      activate: "all have accepted view " + view + ", use it",
    })[step],
  }[kind]();
  const verb = kind === "request" ? " asks " : kind === "reply" ? " replies to " : " tells ";
  return what === "sent" ? "server " + id + verb + peer + ": " + words : "server " + id + " hears from " + peer + ": " + words;
}
