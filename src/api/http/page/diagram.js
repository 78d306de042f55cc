// A space-time diagram of what the servers say to each other.

