
// Follows what changes, as server-sent events. A browser's own EventSource can show no token and cannot change servers.

// One event from its lines.
function fieldsOf(block) {
  const fields = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
  }
  return fields;
}

// Reads one connection until it ends. { why } says that its server is to be left; { over } that there is no more to follow.
async function readStream(at, where, seen, signal, on) {
  const watched = watch(at, signal);
  let heard = performance.now();
  let beat = 0;
  try {
    const headers = { ...actor(), ...(seen.last && seen.at === at ? { "last-event-id": seen.last } : {}) };
    const answer = await fetch(at.url + where, { headers, signal: watched.signal, cache: "no-store" });
    watched.end();
    signal.addEventListener("abort", watched.cut);
    if (!answer.ok) {
      const problem = await answer.json().catch(() => ({}));
      if (answer.status === 404) { on("gone", problem); return { over: true }; }
      if (answer.status === 503) return { why: ELSEWHERE[problem.code] || "is not ready" };
      if (answer.status >= 500 || LATER.includes(problem.code)) return {};
      on("refused", problem);
      return { over: true };
    }
    if (seen.at !== at) Object.assign(seen, { at, last: "" });
    // A paused server keeps its connections: whoever is quiet is asked whether it lives.
    beat = setInterval(async () => {
      const quiet = performance.now() - heard;
      if (quiet < BEAT_MS || document.hidden) return;
      if (quiet > QUIET_MS || !(await lives(at))) {
        watched.dead = quiet <= QUIET_MS;
        watched.cut();
      }
    }, BEAT_MS);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { done, value } = await reader.read();
      heard = performance.now();
      if (done) return {};
      seen.failures = 0;
      answered(at);
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const fields = fieldsOf(block);
        if (fields.event === "end") {
          const { reason } = JSON.parse(fields.data);
          if (reason === "removed") { on("gone", {}); return { over: true }; }
          return reason === "leaving" ? { why: "is leaving" } : {};
        }
        if (fields.data !== undefined) on(fields.event || "message", JSON.parse(fields.data));
        if (fields.id !== undefined) seen.last = fields.id;
      }
    }
  } catch (error) {
    if (watched.dead) return { why: "stopped answering" };
    throw error;
  } finally {
    clearInterval(beat);
    watched.end();
    signal.removeEventListener("abort", watched.cut);
    watched.cut();
  }
}

// Follows a stream until `signal` aborts: `on(event, data)` for each; "gone" and "refused" are the last. On the same
// server it goes on after the last event; on another one it begins anew with a "reset", because the two may have been
// cut off from each other.
async function follow(where, signal, on) {
  const seen = { at: null, last: "", failures: 0 };
  while (!signal.aborted) {
    const at = server();
    const cut = new AbortController();
    const stop = () => cut.abort();
    signal.addEventListener("abort", stop);
    net.moved.addEventListener("moved", stop);
    let end = {};
    let fault = null;
    try {
      // What a view does wrong is no fault of a server.
      const guarded = (event, data) => { try { on(event, data); } catch (error) { fault = error; throw error; } };
      end = await readStream(at, where, seen, cut.signal, guarded);
    } catch {
      if (fault) { reportError(fault); Object.assign(seen, { at: null, last: "" }); }
      else if (!cut.signal.aborted && !(await lives(at))) end.why = "stopped answering";
    } finally {
      signal.removeEventListener("abort", stop);
      net.moved.removeEventListener("moved", stop);
    }
    if (end.over) return;
    if (signal.aborted) return;
    seen.failures += 1;
    if (end.why) leave(at, end.why);
    if (seen.failures < net.servers.length && !fault) continue;
    if (!fault && end.why) nobody();
    await pause(PAUSE_MS[Math.min(seen.failures, PAUSE_MS.length) - 1], signal);
  }
}
