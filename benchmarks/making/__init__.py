"""Makes what ships with the package: its trained network, its test images and the doctor's probes."""
