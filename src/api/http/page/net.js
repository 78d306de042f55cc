// Asks the servers. One of them is asked until it stops answering, then the next: the same question under the same key,
// so that nothing is done twice.

const ANSWER_WAIT_MS = 5000; // for one server
const QUIET_MS = 20000; // a stream says something every 15 s
const PAUSE_MS = [100, 300, 1000, 2000]; // between tries
const TRIES_MAX = 8; // of one command, over all servers

const net = {
  servers: [], // { id, url }, in the order of their ids
  at: 0, // who is asked
  cluster: "",
  moved: new EventTarget(), // "moved" when another one is asked
};

const pause = (ms, signal) => new Promise((go) => {
  const timer = setTimeout(go, ms);
  if (signal) signal.addEventListener("abort", () => { clearTimeout(timer); go(); }, { once: true });
});

const server = () => net.servers[net.at];

// Learns who there is. The one that served the page is asked by the page's own address.
async function learn() {
  if (net.servers.length === 0) net.servers = [{ id: 0, url: location.origin }];
  const status = await ask("GET", "/v1/status");
  if (!status.ok) return status;
  const here = server();
  const listed = status.body.servers.filter((row) => row.http_url).map((row) => ({ id: row.id, url: row.http_url }));
  const own = listed.find((one) => one.id === status.body.server);
  if (own) own.url = here.url;
  else listed.push({ id: status.body.server, url: here.url });
  net.servers = listed;
  net.at = listed.findIndex((one) => one.id === status.body.server);
  net.cluster = status.body.cluster;
  return status;
}

// Another server is asked from here on, unless that happened already.
function leave(from, why) {
  if (server() !== from || net.servers.length < 2) return;
  net.at = (net.at + 1) % net.servers.length;
  byId("server").textContent = "Server " + from.id + " " + why + "; now on server " + server().id + ".";
  net.moved.dispatchEvent(new Event("moved"));
}

function headersFor({ key, body, last }) {
  const headers = {};
  const token = byId("token").value.trim();
  if (token) headers.authorization = "Bearer " + token;
  // A header is bytes to a browser: those of UTF-8.
  else if (who()) headers["boxoffice-as"] = String.fromCharCode(...new TextEncoder().encode(who()));
  if (key) headers["idempotency-key"] = key;
  if (body !== undefined) headers["content-type"] = "application/json";
  if (last) headers["last-event-id"] = last;
  return headers;
}

// One question to one server: { ok, status, body, headers }, or { failed: why } when there was no answer.
async function askOne(at, method, where, { key, body, signal } = {}) {
  const limits = [AbortSignal.timeout(ANSWER_WAIT_MS), ...(signal ? [signal] : [])];
  try {
    const answer = await fetch(at.url + where, {
      method,
      headers: headersFor({ key, body }),
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.any(limits),
      cache: "no-store",
    });
    const text = await answer.text();
    let value = null;
    try { value = text ? JSON.parse(text) : null; } catch { return { failed: "did not answer in JSON" }; }
    return { ok: answer.ok, status: answer.status, body: value, headers: answer.headers };
  } catch {
    return { failed: "stopped answering" };
  }
}

// Asks until somebody answers. { ok, status, body }; where nobody does, { ok: false, status: 0, body: { detail } }.
// `unknown` says that it may have been done all the same. Commands have a key, so that asking again is safe.
async function ask(method, where, { body, signal, key } = {}) {
  const isCommand = method !== "GET";
  const named = isCommand ? key || crypto.randomUUID() : undefined;
  let unknown = false;
  for (let attempt = 0; attempt < Math.max(TRIES_MAX, net.servers.length); attempt += 1) {
    if (signal && signal.aborted) break;
    const at = server();
    const answer = await askOne(at, method, where, { key: named, body, signal });
    if (!answer.failed) {
      const code = answer.body && answer.body.code;
      if (code === "outcome-unknown") unknown = true;
      else if (code === "not-ready") leave(at, "is not ready");
      else if (code !== "key-in-progress" && code !== "overloaded") {
        if (byId("server").textContent === "" && at.id) byId("server").textContent = "Server " + at.id;
        return { ...answer, unknown: false, key: named };
      }
    } else {
      unknown = unknown || isCommand;
      leave(at, answer.failed);
    }
    // All are asked once before anybody is asked again.
    const round = Math.floor((attempt + 1) / net.servers.length);
    if (round > 0) await pause(PAUSE_MS[Math.min(round - 1, PAUSE_MS.length - 1)], signal);
  }
  const detail = unknown
    ? "No server has answered: nobody knows whether it was done."
    : "No server answers.";
  return { ok: false, status: 0, body: { code: "no-answer", detail }, unknown, key: named };
}

// An action of a person: says what became of it in the servers' own words, and gives the answer.
async function act(doing, method, where, body, key) {
  say(doing, "busy");
  const answer = await ask(method, where, { body, key });
  const words = (answer.body && (answer.body.message || answer.body.detail)) || (answer.ok ? "Done." : "Status " + answer.status);
  if (answer.ok) say(words, "done");
  else if (answer.unknown) {
    // The same key: if it was done, this is how one learns it.
    const again = h("button", { type: "button", on: { click: () => act(doing, method, where, body, answer.key) } }, "Ask again");
    say(words, "unknown", again);
  } else {
    say(words, answer.status === 409 || answer.status === 404 ? "refused" : "error");
    if (answer.body && answer.body.code === "token-needed") byId("proof").open = true;
    if (answer.body && answer.body.code === "actor-needed") byId("who").focus();
  }
  return answer;
}

// Follows a stream until `signal` aborts: `on(event, data)` for each. Goes on at another server where this one was.
async function follow(where, signal, on) {
  let last = "";
  for (let failures = 0; !signal.aborted; ) {
    const at = server();
    const cut = new AbortController();
    const stop = () => cut.abort();
    signal.addEventListener("abort", stop);
    net.moved.addEventListener("moved", stop);
    let why = "stopped answering";
    try {
      let quiet = setTimeout(stop, ANSWER_WAIT_MS);
      const answer = await fetch(at.url + where, { headers: headersFor({ last }), signal: cut.signal, cache: "no-store" });
      if (answer.status === 404) {
        clearTimeout(quiet);
        on("gone", {});
        return;
      }
      if (!answer.ok) why = "is not ready";
      else {
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let rest = ""; ; ) {
          clearTimeout(quiet);
          quiet = setTimeout(stop, QUIET_MS);
          const { done, value } = await reader.read();
          if (done) break;
          failures = 0;
          const blocks = (rest + value).split("\n\n");
          rest = blocks.pop();
          for (const block of blocks) {
            const fields = {};
            for (const line of block.split("\n")) {
              const colon = line.indexOf(":");
              if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, "");
            }
            if (fields.id !== undefined) last = fields.id;
            if (fields.event === "end") {
              const reason = JSON.parse(fields.data).reason;
              if (reason === "removed") { on("gone", {}); return; }
              if (reason === "leaving") why = "is leaving";
            } else if (fields.data !== undefined) on(fields.event || "message", JSON.parse(fields.data));
          }
        }
      }
      clearTimeout(quiet);
    } catch { /* it broke: go on elsewhere */ } finally {
      signal.removeEventListener("abort", stop);
      net.moved.removeEventListener("moved", stop);
      stop();
    }
    if (signal.aborted) return;
    if (server() === at) leave(at, why);
    failures += 1;
    if (failures > net.servers.length) await pause(PAUSE_MS[Math.min(failures - net.servers.length, PAUSE_MS.length) - 1], signal);
  }
}

