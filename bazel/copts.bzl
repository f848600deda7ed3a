"""Compiler options of every C++ target; as in CMakeLists.txt and delegate_src/CMakeLists.txt."""

COPTS = [
    "-std=c++20",
    "-fvisibility=hidden",
    "-fvisibility-inlines-hidden",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wno-missing-field-initializers",
]
