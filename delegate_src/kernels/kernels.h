// The kernels' interface: parameter blocks, and one table of functions per ISA.
//
// Kernels are pure functions on pointers. They know shapes, strides and packed weights; they know
// nothing of graphs, threads or memory. This header, with what it includes, and winograd.h are all
// that the layers above may include. However the groups, blocks, rows or positions of a layer are
// divided among calls, each output gets the same bits.
//
// Activations are *planar*: one plane per channel, rows `pitch` floats apart, with zero rows above
// and below and zero columns between rows (engine/graph/planar.h). A pointer to a planar tensor
// points at row 0, column 0 of channel 0. A *tap* is one non-zero weight position: a constant
// element offset from an output position's input to the input value it multiplies. A *group* is a
// set of filters that share their taps. Zero borders make every tap of every output position a
// plain load.
#pragma once

#include "kernels/convolutions.h"
#include "kernels/operators.h"

namespace patternlite::kernels {

struct KernelTable {
  const char* isa;  // "generic", "avx2", "avx512"
  int lanes;        // floats in a vector
  int bc_max_run;   // taps in a run that BC has registers for, at most kBcMaxRun
  // IS: the largest tile, and how many accumulators (block filters * tile) keep it within L1.
  int is_positions;
  int is_accumulators;
  // [log2(G)] for G = 1, 2, 4
  void (*conv_os[3])(const ConvOs&);
  void (*split_phases)(const SplitPhases&);
  void (*conv_bc16)(const ConvBc&);
  void (*conv_winograd)(const ConvWinograd&);
  void (*conv_is)(const ConvIs&);
  void (*conv_is_in_place)(const ConvIs&);
  void (*conv_depthwise_planes)(const ConvDepthwise&);
  void (*conv_depthwise_rows)(const ConvDepthwise&);
  void (*fc_dense)(const FcDense&);
  void (*fc_sparse)(const FcSparse&);
  void (*pool)(const Pool&);
  void (*binary)(const Binary&);
  void (*scale)(const Scale&);
  void (*curve)(const Curve&);
  void (*channel_norm)(const Norm&);
  void (*instance_norm)(const Norm&);
  void (*to_planar)(const Interleave&);
  void (*to_interleaved)(const Interleave&);
};

// The tables this machine can run, slowest first. Never empty ("generic" runs everywhere).
struct KernelTables {
  const KernelTable* table[4];
  int count;
};
KernelTables available_kernels();

// The table named `isa`, or null when this build or machine has none of that name.
const KernelTable* find_kernels(const char* isa);

}  // namespace patternlite::kernels
