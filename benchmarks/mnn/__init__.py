"""The MNN backend against MNN itself: speed, memory and answers, cases as data in mnn.toml."""
