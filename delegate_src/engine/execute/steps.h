// The steps of a compiled program: each is one operator, bound to its memory.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"
#include "engine/pack/packed_convolution.h"
#include "engine/plan/chains.h"
#include "engine/support/parallel.h"
#include "kernels/kernels.h"

namespace patternlite {

class Step {
 public:
  virtual ~Step() = default;
  virtual void run(Parallel& parallel) = 0;
  virtual std::size_t weight_bytes() const { return 0; }
};

// Brings the caller's dense NHWC image to the planar layout.
class InputStep {
 public:
  virtual ~InputStep() = default;
  virtual void run(const float* image, Parallel& parallel) = 0;
};

class OutputStep {
 public:
  virtual ~OutputStep() = default;
  virtual void run(float* image, Parallel& parallel) = 0;
};

struct TensorMemory {
  const std::vector<PlanarLayout>& layouts;
  std::function<float*(TensorId)> at;  // row 0, column 0 of channel 0
};

std::unique_ptr<Step> make_convolution_step(const Convolution& op, const TensorMemory& memory,
                                            std::unique_ptr<PackedConvolution> packed);
struct ChainLink {
  Convolution op;
  std::unique_ptr<PackedConvolution> packed;  // runs by rows
};
// scratch: for each share of the work, memory for its windows (MemoryPlan::scratch floats).
std::unique_ptr<Step> make_chain_step(const Chain& chain, std::vector<ChainLink> links,
                                      const TensorMemory& memory,
                                      const std::vector<float*>& scratch);
// Makes the borders of a tensor zero (see MemoryPlan::clears), except the gaps between rows if
// whatever writes the rows writes these, too. planar: row 0, column 0 of channel 0.
enum class Borders { kAll, kAboveAndBelow };
inline Borders not_written_by(const PackedConvolution& packed) {
  return packed.by_positions() ? Borders::kAboveAndBelow : Borders::kAll;
}
void clear_borders(const PlanarLayout& layout, float* planar, Borders which, Parallel& parallel);
std::unique_ptr<Step> make_clear_step(TensorId id, const TensorMemory& memory, Borders which);
// The step of any other operator.
std::unique_ptr<Step> make_step(const Node& node, const TensorMemory& memory,
                                const kernels::KernelTable& kernels);
std::unique_ptr<InputStep> make_input_step(const PlanarLayout& layout, float* planar,
                                           const kernels::KernelTable& kernels);
std::unique_ptr<OutputStep> make_output_step(const PlanarLayout& layout, const float* planar,
                                             const kernels::KernelTable& kernels);

}  // namespace patternlite
