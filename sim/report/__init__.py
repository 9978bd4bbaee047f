"""Reports for people: one HTML page that needs no network, and the same maps as pictures."""
