// A LayerReport for Python.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include "engine/recognise/decision.h"

// Names in a model's file may contain any bytes.
inline nanobind::object text(const std::string& bytes) {
  return nanobind::steal(
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "replace"));
}

inline nanobind::dict layer_row(const patternlite::LayerReport& layer) {
  nanobind::dict row;
  row["name"] = text(layer.name);
  row["kind"] = layer.kind;
  row["filters"] = layer.filters;
  row["channels"] = layer.channels;
  row["height"] = layer.height;
  row["width"] = layer.width;
  row["dense_macs"] = layer.dense_macs;
  row["kept_macs"] = layer.kept_macs;
  row["kernels_kept"] = layer.kernels_kept;
  row["patterns"] = layer.patterns;
  row["reason"] = text(layer.reason);
  row["kernel"] = layer.kernel;
  row["weight_bytes"] = layer.weight_bytes;
  return row;
}
