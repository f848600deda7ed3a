"""How fast networks and single layers run: what is measured, the results, and which claims hold."""
