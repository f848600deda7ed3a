"""How fast networks and single layers run: what is measured, what came out, and the claims it bears out."""
