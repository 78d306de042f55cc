// The address after `#` says what is shown.

let shown = new AbortController();
let current = "";

function route() {
  shown.abort();
  shown = new AbortController();
  const parts = location.hash.slice(location.hash.startsWith("#/") ? 2 : 1).split("/").map((part) => {
    try { return decodeURIComponent(part); } catch { return part; }
  });
  const name = net.servers.length === 0 ? "cluster" : views[parts[0]] ? parts[0] : "events";
  for (const link of document.querySelectorAll("nav a")) {
    const isShown = link.getAttribute("href") === "#/" + (name === "event" ? "events" : name);
    if (isShown) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (isShown) document.title = (name === "event" ? named({ id: parts[2] && parts[1], kind: parts[2] }) : link.textContent) + " – " + (net.cluster || "boxoffice");
  }
  current = name;
  const root = h("div", { class: "view " + name });
  byId("main").replaceChildren(root);
  views[name].show(root, parts.slice(1), shown.signal);
}

// Views that say `hearsWho` change in place: a new view under a mouse that is being pressed would swallow the click.
function changedWho() {
  tell("who");
  if (!views[current].hearsWho) route();
}

byId("who").value = kept.get("who");
byId("who").addEventListener("change", () => { kept.set("who", who()); changedWho(); });
byId("token").addEventListener("change", changedWho);
byId("me").addEventListener("submit", (event) => { event.preventDefault(); });
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); byId("main").focus(); });
addEventListener("hashchange", () => {
  if (!isSaidToStay()) say("");
  route();
  byId("main").focus({ preventScroll: true });
  byId("page").scrollTo(0, 0);
});

async function begin() {
  for (let first = true; ; first = false) {
    const status = await learn();
    if (status.ok) break;
    if (first) route();
    say(status.body.detail, "error");
    await pause(PAUSE_MS[PAUSE_MS.length - 1]);
  }
  byId("name").textContent = net.cluster;
  if (byId("said").dataset.kind === "error") say("");
  route();
}

// With nobody to ask a recorded run can be looked at.
if (net.servers.length === 0) route();
else begin();
