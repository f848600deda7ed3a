// A LayerReport as Python sees it.
#pragma once

#include <nanobind/nanobind.h>

#include "engine/recognise/decision.h"

inline nanobind::dict layer_row(const patternlite::LayerReport& layer) {
  nanobind::dict row;
  row["name"] = layer.name;
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
