// The servers.
views.cluster = { show(root) { root.append(h("h2", null, "Cluster")); } };

