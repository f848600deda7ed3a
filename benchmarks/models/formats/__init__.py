"""A benchmark's .tflite file in the formats of other runtimes: the weights are the same to the bit."""
