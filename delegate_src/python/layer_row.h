// A LayerReport as Python sees it.
#pragma once

#include <nanobind/nanobind.h>

#include "engine/recognise/decision.h"

inline nanobind::dict layer_row(const patternlite::LayerReport& layer) {
  nanobind::dict row;
  // A model's file may hold any bytes there.
  row["name"] = nanobind::steal(PyUnicode_DecodeUTF8(
      layer.name.data(), static_cast<Py_ssize_t>(layer.name.size()), "replace"));
  row["kind"] = layer.kind;
  row["filters"] = layer.filters;
  row["channels"] = layer.channels;
  row["height"] = layer.height;
  row["width"] = layer.width;
  row["dense_macs"] = layer.dense_macs;
  row["kept_macs"] = layer.kept_macs;
  row["kernels_kept"] = layer.kernels_kept;
  row["patterns"] = layer.patterns;
  row["reason"] = layer.reason;
  row["kernel"] = layer.kernel;
  row["weight_bytes"] = layer.weight_bytes;
  return row;
}
