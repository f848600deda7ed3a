// The kernels that can run a convolution. A new one needs a line here, its costs in cost_model.cc
// and its packing in pack/.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace patternlite {

enum class ConvKernel { kOs1, kOs2, kOs4, kBc16, kIs, kWinograd };

struct ConvKernelTraits {
  ConvKernel kernel;
  const char* name;  // in reports and files
  int group;         // filters computed together, from the taps of any (kWinograd: from all taps)
};

// In the order of ConvKernel.
inline constexpr std::array<ConvKernelTraits, 6> kConvKernels = {{
    {ConvKernel::kOs1, "os-g1", 1},
    {ConvKernel::kOs2, "os-g2", 2},
    {ConvKernel::kOs4, "os-g4", 4},
    {ConvKernel::kBc16, "bc-g16", 16},
    {ConvKernel::kIs, "is", 1},
    {ConvKernel::kWinograd, "winograd", 16},
}};

constexpr const ConvKernelTraits& traits_of(ConvKernel kernel) {
  return kConvKernels[static_cast<std::size_t>(kernel)];
}

constexpr int group_size(ConvKernel kernel) { return traits_of(kernel).group; }

constexpr std::optional<ConvKernel> kernel_named(std::string_view name) {
  for (const ConvKernelTraits& traits : kConvKernels) {
    if (name == traits.name) return traits.kernel;
  }
  return std::nullopt;
}

}  // namespace patternlite
