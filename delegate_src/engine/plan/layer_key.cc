#include "engine/plan/layer_key.h"

#include "engine/support/build.h"
#include "engine/support/hash.h"
#include "engine/support/machine.h"

namespace patternlite {

std::string machine_name(const kernels::KernelTable& kernels) {
  return std::string("patternlite ") + engine_build() + ", " + kernels.isa + ", " + cpu_model();
}

std::uint64_t layer_key(const std::string& machine, const PlanarConvolution& conv,
                        const TapSets& taps) {
  Hash hash;
  hash.add(machine);
  const Window& w = conv.op.window;
  for (const int value : {w.kernel_h, w.kernel_w, w.stride_h, w.stride_w, w.dilation_h,
                          w.dilation_w, w.pad_top, w.pad_left}) {
    hash.add(static_cast<std::uint64_t>(value));
  }
  for (const PlanarLayout* layout : {&conv.input, &conv.output, &conv.written()}) {
    for (const int value : {layout->shape.channels, layout->shape.height, layout->shape.width,
                            layout->border, layout->pitch()}) {
      hash.add(static_cast<std::uint64_t>(value));
    }
  }
  hash.add(conv.op.curve.has_value());
  hash.add(conv.pooled.has_value());
  for (int filter = 0; filter < taps.filters(); ++filter) {
    for (const std::uint64_t word : taps.bits(filter)) hash.add(word);
  }
  return hash.value();
}

}  // namespace patternlite
