#include "mnn/model/operator.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

#include "mnn/abi/flat_table.h"

namespace patternlite::mnn {
namespace {

constexpr int kOpName = 10, kOpType = 14;
constexpr std::uint8_t kMainConvolution2D = 9;
constexpr int kConvCommon = 4, kConvBias = 8, kConvQuantisation = 10;
constexpr int kQuantisationValues = 6, kQuantisationIntegerScale = 24, kQuantisationWeights = 28,
              kQuantisationIndices = 30;
constexpr int kPadX = 4, kPadY = 6, kKernelX = 8, kKernelY = 10, kStrideX = 12, kStrideY = 14,
              kDilationX = 16, kDilationY = 18, kPadMode = 20, kGroup = 22, kOutputCount = 24,
              kInputCount = 26, kFusedRelu = 28, kFusedRelu6 = 30, kPads = 32;

// Whether these are weights without zeros of which some have no value, or stand outside all weights
// or outside the memory that the engine takes for them: it would write them there.
bool is_damaged(const FlatTable& quantisation, std::size_t weights) {
  const auto indices = quantisation.vector<std::uint32_t>(kQuantisationIndices);
  const auto inside = [weights](std::uint32_t index) { return index < weights; };
  const auto values = quantisation.vector<float>(kQuantisationValues);
  return !indices.empty() &&
         (quantisation.scalar<std::uint32_t>(kQuantisationWeights, 0) != weights ||
          indices.size() != values.size() || !std::all_of(indices.begin(), indices.end(), inside));
}

}  // namespace

std::int32_t op_type(const abi::Op* op) { return FlatTable(op).scalar<std::int32_t>(kOpType, 0); }

std::string op_name(const abi::Op* op) { return FlatTable(op).string(kOpName); }

ConvolutionOp read_convolution(const abi::Op* op) {
  const FlatTable main = main_of(op, kMainConvolution2D);
  if (!main) throw std::invalid_argument("not a Convolution2D");
  const FlatTable common = main.table(kConvCommon);
  if (!common) throw std::invalid_argument("a Convolution2D without its common part");
  auto integer = [&common](int id, int otherwise) {
    return common.scalar<std::int32_t>(id, otherwise);
  };
  ConvolutionOp conv;
  conv.filters = integer(kOutputCount, 0);
  conv.channels = integer(kInputCount, 0);
  conv.groups = integer(kGroup, 1);
  conv.depthwise = op_type(op) == kConvolutionDepthwise;
  conv.padding = static_cast<ConvolutionOp::Padding>(common.scalar<std::int8_t>(kPadMode, 0));
  conv.window = {.kernel_h = integer(kKernelY, 1),
                 .kernel_w = integer(kKernelX, 1),
                 .stride_h = integer(kStrideY, 1),
                 .stride_w = integer(kStrideX, 1),
                 .dilation_h = integer(kDilationY, 1),
                 .dilation_w = integer(kDilationX, 1),
                 .pad_top = integer(kPadY, 0),
                 .pad_left = integer(kPadX, 0)};
  if (const auto pads = common.vector<std::int32_t>(kPads); pads.size() >= 2) {
    conv.window.pad_top = pads[0];
    conv.window.pad_left = pads[1];
  }
  if (common.scalar<std::uint8_t>(kFusedRelu, 0)) conv.activation = Activation::kRelu;
  if (common.scalar<std::uint8_t>(kFusedRelu6, 0)) conv.activation = Activation::kRelu6;
  conv.bias = main.vector<float>(kConvBias);
  const FlatTable quantisation = main.table(kConvQuantisation);
  if (quantisation) {
    conv.integer = quantisation.scalar<std::uint8_t>(kQuantisationIntegerScale, 0) != 0;
    conv.damaged = is_damaged(quantisation, conv.weights());
  }
  return conv;
}

Window same_padded(Window window, const Shape& input, const Shape& output) {
  const auto before = [](int out, std::int64_t stride, int kernel, std::int64_t dilation, int in) {
    return static_cast<int>(((out - 1) * stride + (kernel - 1) * dilation + 1 - in) / 2);
  };
  window.pad_top =
      before(output.height, window.stride_h, window.kernel_h, window.dilation_h, input.height);
  window.pad_left =
      before(output.width, window.stride_w, window.kernel_w, window.dilation_w, input.width);
  return window;
}

Window padded_window(const ConvolutionOp& conv, const Shape& input, const Shape& output) {
  const bool same = conv.padding == ConvolutionOp::Padding::kSame;
  return same ? same_padded(conv.window, input, output) : conv.window;
}

}  // namespace patternlite::mnn
