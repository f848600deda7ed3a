// One convolution, packed for planar tensors of given layouts: what Programs and the MNN backend
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

// The output of a convolution whose result is pooled at once.
struct PooledOutput {
  PlanarLayout layout;
  int rows_at_once;  // pooled before the next ones, so that what they read stays in the cache
};

// A convolution and the layouts it reads and writes; its tensor ids are not used.
struct PlanarConvolution {
  Convolution op;
  PlanarLayout input, output;            // its own result, before any pooling
  std::optional<PooledOutput> pooled{};  // if op.pooling

  const PlanarLayout& written() const { return pooled ? pooled->layout : output; }
};

// A convolution of a graph whose tensors have these layouts.
PlanarConvolution planar_convolution(const Convolution& conv,
                                     const std::vector<PlanarLayout>& layouts);

// Throws std::invalid_argument if no kernel can run it: the input's border must be at least
// required_border(op.window, ...), and planes must be addressable with 32 bits.
void check(const PlanarConvolution& conv);

// How a convolution is run: by this kernel, in these groups (kIs has none).
struct Choice {
  ConvKernel kernel;
  Grouping grouping;
};

class PackedConvolution {
 public:
  // `conv` has been checked, `taps` are those of its weights, and the choice's kernel can run it
  // (CostModel::runs).
  static std::unique_ptr<PackedConvolution> pack(const PlanarConvolution& conv, const TapSets& taps,
                                                 const Choice& choice,
                                                 const kernels::KernelTable& kernels);
  // Packs a depthwise or fully connected layer, which one kernel runs whatever its taps; null for
  // others.
  static std::unique_ptr<PackedConvolution> pack_only_way(const PlanarConvolution& conv,
                                                          const Analysis& analysis,
                                                          const kernels::KernelTable& kernels);
  virtual ~PackedConvolution() = default;

  // Runs on planar tensors (pointers to row 0, column 0 of channel 0). residual: in the output's
  // layout, added before the activation; or null, as it must be if the result is pooled.
  virtual void run(const float* input, const float* residual, float* output,
                   Parallel& parallel) const = 0;

  // A part of the output can be computed alone, on this thread and with the same bits, by rows or
  // by positions if these say so. Tensors may be held in part: pointers are to where row 0, column
  // 0 of channel 0 would be.
  //
  // run_rows() has no residual. It may overwrite up to a vector of positions before the rows (none
  // before row 0) and behind them; those before get the same bits if the rows that they came from
  // are still held. It reads the input's rows that rows_read() names, and up to a vector of
  // positions before them.
  //
  // run_positions() takes virtual positions, from a multiple of kHalfVector to another one or to
  // the end. It writes no others, and also the columns between rows.
  virtual bool by_rows() const { return false; }
  virtual bool by_positions() const { return false; }
  virtual void run_rows(const float* input, float* output, Range rows) const;
  virtual void run_positions(const float* input, const float* residual, float* output,
                             Range positions) const;

  virtual std::string kernel_name() const = 0;
  virtual std::size_t weight_bytes() const = 0;
};

}  // namespace patternlite
