// The servers: what each does, how far it is, whether it has executed the same as the others.

const STATUS_MS = 1000;
const STATE_SHAPES = { ready: "●", recovering: "◐", changing: "◇", leaving: "◁", suspected: "?", down: "✕" };
const AVAILABILITY_WORDS = { any: "one survivor sells on", majority: "more than half must live" };
const DURABILITY_WORDS = { fsync: "an answer is on every member's disk", memory: "in memory only" };
const SERVER_COLUMNS = ["Server", "State", "View", "Position", "Lag", "Digest", "Seats left", "Up for", "Version", "Reason"];

// How the digests of servers at the same position compare: "same", "differs" or "" (nobody else is there).
function compareDigests(rows) {
  const known = (row) => typeof row.digest === "string" && row.view;
  return rows.map((row) => {
    if (!known(row)) return "";
    const peers = rows.filter((other) => known(other) && other.position === row.position);
    const alike = peers.filter((other) => other.digest === row.digest).length;
    if (peers.length === 1) return "";
    return alike * 2 > peers.length ? (alike === peers.length ? "same" : "most agree") : "differs";
  });
}

function uptimeText(ms) {
  const s = Math.floor(ms / 1000);
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min " + (s % 60) + " s";
  if (s < 86400) return Math.floor(s / 3600) + " h " + Math.floor((s % 3600) / 60) + " min";
  return Math.floor(s / 86400) + " d " + Math.floor((s % 86400) / 3600) + " h";
}

// The cells of a server's row; what is not known is a dash.
function serverCells(row, compared) {
  const isHeard = Boolean(row.view) || row.position > 0;
  const number = (value) => (isHeard && Number.isFinite(value) ? value.toLocaleString("en") : "–");
  const digest = isHeard && typeof row.digest === "string" ? row.digest.slice(0, 16) : "–";
  const mark = { same: "= ", "most agree": "= ", differs: "≠ " }[compared] || "";
  return [
    "server " + (row.id ?? "?"),
    [h("span", { class: "shape", "aria-hidden": "true" }, STATE_SHAPES[row.state] || "·"), " " + (row.state || "not known")],
    row.view || "–", number(row.position), number(row.lag),
    h("span", { class: "digest", title: compared && { same: "all servers at this position agree", "most agree": "most at this position agree", differs: "differs from others at this position" }[compared] },
      mark && h("b", null, mark), digest, compared === "differs" && " differs"),
    number(row.seats_left), isHeard && Number.isFinite(row.uptime_ms) ? uptimeText(row.uptime_ms) : "–", row.version || "–", row.reason || "",
  ];
}

function serversTable(status) {
  const rows = Array.isArray(status.servers) ? status.servers.filter(isObject) : [];
  const compared = compareDigests(rows);
  return rows.map((row, r) => h("tr", { role: "row", "data-state": row.state, "data-digest": compared[r] },
    serverCells(row, compared[r]).map((cell, c) => h(c === 0 ? "th" : "td", { role: c === 0 ? "rowheader" : "cell", scope: c === 0 && "row", "data-column": SERVER_COLUMNS[c] }, cell))));
}

// What is true of all of them.
function clusterWords(status) {
  const rows = Array.isArray(status.servers) ? status.servers.filter(isObject) : [];
  const ready = rows.filter((row) => row.state === "ready").length;
  const digests = compareDigests(rows);
  const explained = (name, value, words) => value && name + ": " + value + (words[value] ? " (" + words[value] + ")" : "") + ".";
  return [
    ready + " of " + plural(rows.length, "server") + " ready, as server " + (status.server ?? "?") + " sees it.",
    explained("Availability", status.availability, AVAILABILITY_WORDS), explained("Durability", status.durability, DURABILITY_WORDS),
    status.conflicts > 0 ? "Reservations or deletions lost in a partition: " + status.conflicts + "; see the conflict report." : "No conflicts.",
    digests.includes("differs") ? "Servers at one position have different digests (≠): one of them is wrong."
      : digests.includes("same") && "Servers at one position have one digest (=).",
    status.waiting_for && "Server " + status.server + " waits for " + status.waiting_for + ".",
  ].filter(Boolean).join(" ");
}

// The critical section, as the server that answers knows it: whether the first of its queue has all replies yet is not told.
function turnWords({ turn, last_turn: last }) {
  const named = (stamp) => "server " + stamp.server + " (request " + stampText(stamp) + ")";
  const before = readStamp(last) ? "; last: " + named(last) + "." : ".";
  return readStamp(turn) ? "Critical section: " + named(turn) + " is next, when all have replied" + before : "Critical section: free" + before;
}

views.cluster = {
  show(root, _parts, signal) {
    const hasServers = net.servers.length > 0;
    root.append(h("h2", null, "Cluster"));
    if (hasServers) {
      const line = h("p", { class: "cluster-line" });
      const turn = h("p", { class: "turn" });
      const asked = h("p", { class: "trouble" });
      const body = h("tbody", { role: "rowgroup" });
      const head = h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, SERVER_COLUMNS.map((column) => h("th", { role: "columnheader", scope: "col" }, column))));
      root.append(line, turn, asked, h("table", { class: "servers", role: "table", "aria-label": "Servers" }, head, body));
      const refresh = async () => {
        const answer = await ask("GET", "/v1/status", { signal });
        if (signal.aborted) return;
        asked.textContent = answer.ok ? "" : (answer.body && answer.body.detail) || "Status " + answer.status;
        body.classList.toggle("stale", !answer.ok);
        if (!answer.ok || !isObject(answer.body)) return;
        line.textContent = clusterWords(answer.body);
        turn.textContent = turnWords(answer.body);
        body.replaceChildren(...serversTable(answer.body));
      };
      (async () => {
        while (!signal.aborted) {
          if (document.visibilityState === "visible") await refresh();
          await pause(STATUS_MS, signal);
        }
      })();
    } else root.append(h("p", { class: "quiet" }, "This is a kept copy of the page: there is no server to ask. A recorded run can be opened."));
    root.append(messagesPanel(signal, hasServers));
  },
};
