// One convolution, packed for planar tensors of a given layout: what Programs and the MNN backend
// run.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"
#include "engine/graph/row_window.h"
#include "engine/pack/grouping.h"
#include "engine/recognise/conv_kernel.h"
#include "engine/recognise/recognise.h"
#include "engine/support/parallel.h"
#include "kernels/kernels.h"

namespace patternlite {

// What is written of a convolution whose result is pooled at once.
struct PooledOutput {
  PlanarLayout layout;
  int rows_at_once;  // computed before the next ones: what they are pooled from stays in the cache
};

// A convolution and the layouts it reads and writes; its tensor ids are not used.
struct PlanarConvolution {
  Convolution op;
  PlanarLayout input, output;            // its own result, before any pooling
  std::optional<PooledOutput> pooled{};  // if op.pooling

  const PlanarLayout& written() const { return pooled ? pooled->layout : output; }
};

// A convolution of a graph whose tensors are laid out so.
PlanarConvolution planar_convolution(const Convolution& conv,
                                     const std::vector<PlanarLayout>& layouts);

// Throws std::invalid_argument when no kernel can run it: the input's border must be at least
// required_border(op.window, ...), planes are addressed with 32 bits.
void check(const PlanarConvolution& conv);

// How a convolution is run: by this kernel, in these groups (kIs packs without any).
struct Choice {
  ConvKernel kernel;
  Grouping grouping;
};

class PackedConvolution {
 public:
  // `conv` has been checked, `taps` are its own, and the kernel runs it (CostModel::runs).
  static std::unique_ptr<PackedConvolution> pack(const PlanarConvolution& conv, const TapSets& taps,
                                                 const Choice& choice,
                                                 const kernels::KernelTable& kernels);
  // Of one that a single kernel runs, whatever its taps: depthwise or fully connected. Else null.
  static std::unique_ptr<PackedConvolution> pack_only_way(const PlanarConvolution& conv,
                                                          const Analysis& analysis,
                                                          const kernels::KernelTable& kernels);
  virtual ~PackedConvolution() = default;

  // Planar tensors (pointers to row 0, column 0 of channel 0). residual: the output's layout, added
  // before the activation, or null: it must be if the result is pooled.
  virtual void run(const float* input, const float* residual, float* output,
                   Parallel& parallel) const = 0;

  // A part of the output alone, on this thread, with the same bits, of tensors that may be held in
  // part: pointers are to where row 0, column 0 of channel 0 would be. By rows, without a residual:
  // up to a vector of positions before and behind them, none before row 0, may be overwritten,
  // those before with the same bits if the rows they came from are still held; of the input the
  // rows that rows_read() names are read and, where positions are kept, as much. By positions,
  // virtual ones from a multiple of kHalfVector to another or to the end: no others are, and
  // columns between rows are written, too.
  virtual bool by_rows() const { return false; }
  virtual bool by_positions() const { return false; }
  virtual void run_rows(const float* input, float* output, Range rows) const;
  virtual void run_positions(const float* input, const float* residual, float* output,
                             Range positions) const;

  virtual std::string kernel_name() const = 0;
  virtual std::size_t weight_bytes() const = 0;
};

}  // namespace patternlite
