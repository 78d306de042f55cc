
// Asks the servers. One of them is asked until it stops answering, then the next: the same question under the same key,
// so that nothing is done twice.

const SILENT_MS = 3000; // then it is asked whether it lives
const ALIVE_MS = 2000; // for saying so
const ANSWER_MAX_MS = 30000; // of one that lives
const ASK_MS = 30000; // of one question, over all servers
const BEAT_MS = 3000; // between looks at a stream
const QUIET_MS = 20000; // a stream says something every 15 s
const PAUSE_MS = [100, 300, 1000, 2000]; // after each round of all servers
const UNKNOWN_MAX = 20; // commands without a known outcome whose keys are kept
// Answers that mean: ask another server; nothing was done.
const ELSEWHERE = {
  "not-ready": "is not ready", "overloaded": "is overloaded", "too-many-connections": "is full", "too-many-streams": "is full",
};
// Answers that mean: ask again a little later; nothing was done.
const LATER = ["key-in-progress", "busy", "rate-limited", "request-timeout"];
// What became of a command, also where it is asked again; another answer (of a proxy, of a token that has expired) says
// nothing of an earlier try.
const isOutcome = ({ ok, status, body }) => ok || Boolean(body && body.code && [404, 409, 422].includes(status));

const net = {
  // In the order of their ids; 0 until it has said who it is. A kept copy has nobody to ask.
  servers: location.protocol === "file:" ? [] : [{ id: 0, url: location.origin }],
  at: 0, // who is asked
  left: null, // whom the page has left since somebody answered: { id, why }
  cluster: "",
  moved: new EventTarget(), // "moved": another one is asked; "acted": an action has ended; "who": somebody else acts
};

const server = () => net.servers[net.at];
const tell = (name) => net.moved.dispatchEvent(new Event(name));

const pause = (ms, signal) => new Promise((go) => {
  if (signal && signal.aborted) return go();
  const end = () => { clearTimeout(timer); if (signal) signal.removeEventListener("abort", end); go(); };
  const timer = setTimeout(end, ms);
  if (signal) signal.addEventListener("abort", end);
});

// Learns who there is. The one that served the page is asked by the page's own address.
async function learn() {
  const status = await ask("GET", "/v1/status");
  if (!status.ok) return status;
  const here = server();
  here.id = status.body.server;
  const others = status.body.servers.filter((row) => row.http_url && row.id !== here.id);
  net.servers = [here, ...others.map((row) => ({ id: row.id, url: row.http_url }))].sort((a, b) => a.id - b.id);
  net.at = net.servers.indexOf(here);
  net.cluster = status.body.cluster;
  answered(here);
  return status;
}

// Another server is asked from here on, unless that happened already.
function leave(from, why) {
  if (server() !== from) return;
  if (!net.left) net.left = { id: from.id, why };
  if (net.servers.length < 2) return;
  net.at = (net.at + 1) % net.servers.length;
  tell("moved");
}

// A server has answered: the one quiet line says which, and why not another one any more.
function answered(at) {
  if (server() !== at || !at.id) return;
  const line = byId("server");
  if (net.left && net.left.id !== at.id) line.textContent = "Server " + net.left.id + " " + net.left.why + "; now on server " + at.id + ".";
  else if (net.left || !line.textContent) line.textContent = "Server " + at.id;
  net.left = null;
}

function nobody() {
  byId("server").textContent = "No server answers; the page keeps asking.";
  if (!net.left) net.left = { id: server().id, why: "stopped answering" };
}

// Who acts, as headers. Whoever asks again later asks as the same one.
function actor() {
  const token = byId("token").value.trim();
  if (token) return { authorization: "Bearer " + token };
  // A header is bytes to a browser: those of UTF-8.
  return who() ? { "boxoffice-as": String.fromCharCode(...new TextEncoder().encode(who())) } : {};
}

// Whether a server answers at all. Slow work is not silence: a change of view takes seconds.
async function lives(at) {
  const cut = new AbortController();
  const timer = setTimeout(() => cut.abort(), ALIVE_MS);
  try {
    return (await fetch(at.url + "/livez", { signal: cut.signal, cache: "no-store" })).ok;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

// Watches one request: `cut` when the server is silent and does not say that it lives, or at last; or when `signal` aborts.
function watch(at, signal) {
  const cut = new AbortController();
  const stop = () => cut.abort();
  const began = performance.now();
  let over = false;
  let timer = 0;
  const watched = {
    signal: cut.signal,
    dead: false,
    cut: stop,
    end() { over = true; clearTimeout(timer); if (signal) signal.removeEventListener("abort", stop); },
  };
  async function look() {
    if (performance.now() - began > ANSWER_MAX_MS) return stop();
    const alive = await lives(at);
    if (over) return;
    watched.dead = !alive;
    if (alive) timer = setTimeout(look, SILENT_MS);
    else stop();
  }
  timer = setTimeout(look, SILENT_MS);
  if (signal && signal.aborted) stop();
  else if (signal) signal.addEventListener("abort", stop);
  return watched;
}

// One question to one server: { ok, status, body, headers }, or { failed: why, alive } when there was no answer.
async function askOne(at, method, where, { headers, body, signal }) {
  const watched = watch(at, signal);
  try {
    const answer = await fetch(at.url + where, {
      method, headers, signal: watched.signal, cache: "no-store",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    let value = null;
    try { value = text ? JSON.parse(text) : null; } catch { return { failed: "does not speak as it should", alive: false }; }
    return { ok: answer.ok, status: answer.status, body: value, headers: answer.headers };
  } catch {
    watched.end();
    const alive = !watched.dead && !(signal && signal.aborted) && await lives(at);
    return { failed: "stopped answering", alive };
  } finally {
    watched.end();
  }
}

// Asks until somebody answers. { ok, status, body }; where nobody does, { ok: false, status: 0, body: { detail } }.
// `unknown` says that it may have been done all the same. Commands have a key, so that asking again is safe.
async function ask(method, where, { body, signal, key, as } = {}) {
  const isCommand = method !== "GET";
  // A browser takes such parts out of an address, so that something else would be asked for.
  const eaten = [isCommand && who(), ...where.split("?")[0].split("/")].find((part) => part === "." || part === "..");
  if (eaten) return { ok: false, status: 400, body: { detail: "This page cannot show the name “" + eaten + "”: addresses cannot hold it. Nothing was sent." }, unknown: false };
  const named = isCommand ? key || newKey() : undefined;
  const headers = { ...(as || actor()) };
  if (named) headers["idempotency-key"] = named;
  if (body !== undefined) headers["content-type"] = "application/json";
  const began = performance.now();
  let unknown = Boolean(key); // a kept key is one of an earlier try
  for (let tries = 1; !(signal && signal.aborted); tries += 1) {
    const at = server();
    const answer = await askOne(at, method, where, { headers, body, signal });
    if (signal && signal.aborted) break;
    const code = answer.body && answer.body.code;
    let wait = 0;
    if (answer.failed) {
      unknown ||= isCommand;
      // A connection may break although its server lives; it is asked once more.
      if (!answer.alive || tries > 1) leave(at, answer.failed);
    } else if (ELSEWHERE[code]) leave(at, ELSEWHERE[code]);
    else if (LATER.includes(code)) wait = 1000 * Math.min(Number(answer.headers.get("retry-after")) || 0.3, 5);
    else if (code === "outcome-unknown" || (isCommand && answer.status >= 500 && code !== "too-many-keys")) {
      unknown ||= isCommand;
      leave(at, "cannot say what was done");
    } else {
      answered(at);
      return { ...answer, unknown: unknown && !isOutcome(answer), key: named };
    }
    if (performance.now() - began > ASK_MS) break;
    // All are asked once before anybody is asked again.
    const rounds = tries / net.servers.length;
    if (Number.isInteger(rounds)) {
      if (!wait) nobody();
      wait = Math.max(wait, PAUSE_MS[Math.min(rounds, PAUSE_MS.length) - 1]);
    }
    await pause(wait, signal);
  }
  const detail = unknown
    ? "No server has said what was done: " + NOBODY_KNOWS
    : "No server answers.";
  return { ok: false, status: 0, body: { code: "no-answer", detail }, unknown, key: named };
}

const NOBODY_KNOWS = "nobody knows whether it was done.";
const RESERVATIONS = "/v1/reservations";
const EXCHANGES = "/v1/exchanges"; // of any two events
// Commands whose outcome nobody knows yet, with their keys: whoever does the same again asks for that outcome.
const unknowns = new Map();
let acting = null;

// Where a command works: an event, the reservations of the theatre, or exchanges.
const placeOf = (where) => where.split("/").slice(0, where.startsWith("/v1/events/") ? 5 : 3).join("/");

// Something is known of a person at a place: a kept key would tell of what was before that.
function forgetKeys(person, place, isKept = () => false) {
  for (const [same, one] of unknowns) {
    const isThere = one.person === person && (place === EXCHANGES || [place, EXCHANGES].includes(one.place));
    if (!isThere || isKept(one)) continue;
    unknowns.delete(same);
    if (one.again.isConnected) say("What is yours has changed since then; it is shown as it is now.", "note");
  }
}

// What is a person's own was read. What is read first may be what the command did, or what was before.
function reread(as, place, found) {
  // How far a server is says nothing of it.
  const now = JSON.stringify(found, (name, value) => (name === "position" ? undefined : value));
  forgetKeys(JSON.stringify(as), place, ({ seen }) => {
    const isSame = seen.size === 0 || seen.get(place) === now;
    seen.set(place, now);
    return isSame;
  });
}

// An action of a person: says what became of it in the servers' own words, and gives the answer. One at a time: the same
// click again gets the same answer, another one meanwhile is `ignored`.
function act(doing, method, where, body, key, as = actor()) {
  const same = JSON.stringify([as, method, where, body]);
  if (acting) return acting.same === same ? acting.answer : Promise.resolve({ ok: false, status: 0, body: {}, ignored: true });
  const earlier = unknowns.get(same);
  const answer = carry(doing, method, where, body, key || (earlier && earlier.key), as, same).finally(() => {
    acting = null;
    tell("acted");
  });
  acting = { same, answer };
  return answer;
}

async function carry(doing, method, where, body, key, as, same) {
  say(doing, "busy");
  const answer = await ask(method, where, { body, key, as });
  const { code, message, detail } = answer.body || {};
  const words = message || detail || (answer.ok ? "Done." : "Status " + answer.status + ".");
  const [person, place] = [JSON.stringify(as), placeOf(where)];
  if (answer.unknown || isOutcome(answer)) forgetKeys(person, place);
  if (answer.ok) say(words, "done");
  else if (answer.unknown) {
    // The same key: if it was done, this is how one learns it. Who was not let in may have another token now.
    const again = h("button", { type: "button", on: { click: () => {
      if (answer.status === 401) unknowns.delete(same);
      act(doing, method, where, body, answer.key, answer.status === 401 ? actor() : as);
    } } }, "Ask again");
    unknowns.set(same, { key: answer.key, person, place, again, seen: new Map() });
    if (unknowns.size > UNKNOWN_MAX) unknowns.delete(unknowns.keys().next().value);
    say(answer.status ? words + " As to the first try, " + NOBODY_KNOWS : words, "unknown", again);
  } else say(words, answer.status === 409 || answer.status === 404 ? "refused" : "error");
  if (code === "token-needed") byId("proof").open = true;
  if (code === "actor-needed") byId("who").focus();
  return answer;
}
