// What somebody has booked, holds and waits for.
views.bookings = { show(root) { root.append(h("h2", null, "My bookings")); } };

