#include "mnn/operator.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace patternlite::mnn {
namespace {

// A flatbuffers table: fields are named by their place in the table's vtable (4, 6, 8, ...).
class Table {
 public:
  explicit Table(const void* address) : address_(static_cast<const char*>(address)) {}
  explicit operator bool() const { return address_ != nullptr; }

  template <typename T>
  T scalar(int id, T otherwise) const {
    const char* field = find(id);
    return field ? load<T>(field) : otherwise;
  }
  Table table(int id) const { return Table(follow(id)); }
  template <typename T>
  std::vector<T> vector(int id) const {
    const char* data = follow(id);
    if (!data) return {};
    std::vector<T> values(load<std::uint32_t>(data));
    if (!values.empty()) {
      std::memcpy(values.data(), data + sizeof(std::uint32_t), values.size() * sizeof(T));
    }
    return values;
  }
  std::string string(int id) const {
    const char* data = follow(id);
    return data ? std::string(data + sizeof(std::uint32_t), load<std::uint32_t>(data)) : "";
  }

 private:
  template <typename T>
  static T load(const char* from) {
    T value;
    std::memcpy(&value, from, sizeof(T));
    return value;
  }
  const char* find(int id) const {
    const char* vtable = address_ - load<std::int32_t>(address_);
    if (id >= load<std::uint16_t>(vtable)) return nullptr;
    const auto offset = load<std::uint16_t>(vtable + id);
    return offset ? address_ + offset : nullptr;
  }
  const char* follow(int id) const {
    const char* field = find(id);
    return field ? field + load<std::uint32_t>(field) : nullptr;
  }

  const char* address_;
};

constexpr int kOpMainType = 6, kOpMain = 8, kOpName = 10, kOpType = 14;
constexpr std::uint8_t kMainBinaryOp = 6, kMainConvolution2D = 9, kMainEltwise = 14, kMainPool = 31,
                       kMainRelu = 51, kMainRelu6 = 52, kMainUnaryOp = 70;
constexpr int kConvCommon = 4, kConvBias = 8, kConvQuantisation = 10;
constexpr int kQuantisationValues = 6, kQuantisationIntegerScale = 24, kQuantisationIndices = 30;
constexpr int kPadX = 4, kPadY = 6, kKernelX = 8, kKernelY = 10, kStrideX = 12, kStrideY = 14,
              kDilationX = 16, kDilationY = 18, kPadMode = 20, kGroup = 22, kOutputCount = 24,
              kInputCount = 26, kFusedRelu = 28, kFusedRelu6 = 30, kPads = 32;
constexpr int kBinaryKind = 4, kBinaryActivation = 8;
constexpr int kEltwiseKind = 4, kEltwiseFactors = 6;
constexpr int kUnaryKind = 4;
constexpr int kReluSlope = 4, kRelu6Low = 4, kRelu6High = 6;
constexpr int kPoolPadX = 4, kPoolPadY = 6, kPoolGlobal = 8, kPoolKernelX = 10, kPoolKernelY = 12,
              kPoolStrideX = 14, kPoolStrideY = 16, kPoolKind = 18, kPoolPadding = 20,
              kPoolPads = 26;
constexpr int kPaddingExplicit = 0, kPaddingSame = 2;

// Whether these are weights without zeros of which some have no value, or stand outside all
// weights: the engine would write them there.
bool is_damaged(const Table& quantisation, std::size_t weights) {
  const auto indices = quantisation.vector<std::uint32_t>(kQuantisationIndices);
  const auto inside = [weights](std::uint32_t index) { return index < weights; };
  return !indices.empty() &&
         (indices.size() != quantisation.vector<float>(kQuantisationValues).size() ||
          !std::all_of(indices.begin(), indices.end(), inside));
}

// The `main` part of an operator if it is of that kind.
Table main_of(const abi::Op* op, std::uint8_t kind) {
  const Table table(op);
  return table.scalar<std::uint8_t>(kOpMainType, 0) == kind ? table.table(kOpMain) : Table(nullptr);
}

// How Eltwise and BinaryOp name an operation.
struct Operation {
  int eltwise, binary;
};
constexpr Operation kAdd{.eltwise = 1, .binary = 0}, kMultiply{.eltwise = 0, .binary = 2};

std::optional<Activation> read_binary(const abi::Op* op, Operation operation) {
  constexpr int kNoActivation = 0, kReluActivation = 1;
  if (const Table eltwise = main_of(op, kMainEltwise)) {
    const bool plain = eltwise.scalar<std::int8_t>(kEltwiseKind, 0) == operation.eltwise &&
                       eltwise.vector<float>(kEltwiseFactors).empty();
    return plain ? std::optional(Activation::kNone) : std::nullopt;
  }
  const Table binary = main_of(op, kMainBinaryOp);
  if (!binary || binary.scalar<std::int32_t>(kBinaryKind, 0) != operation.binary) {
    return std::nullopt;
  }
  switch (binary.scalar<std::int32_t>(kBinaryActivation, 0)) {
    case kNoActivation:
      return Activation::kNone;
    case kReluActivation:
      return Activation::kRelu;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::int32_t op_type(const abi::Op* op) { return Table(op).scalar<std::int32_t>(kOpType, 0); }

std::string op_name(const abi::Op* op) { return Table(op).string(kOpName); }

ConvolutionOp read_convolution(const abi::Op* op) {
  const Table main = main_of(op, kMainConvolution2D);
  if (!main) throw std::invalid_argument("not a Convolution2D");
  const Table common = main.table(kConvCommon);
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
  const Table quantisation = main.table(kConvQuantisation);
  if (quantisation) {
    conv.integer = quantisation.scalar<std::uint8_t>(kQuantisationIntegerScale, 0) != 0;
    conv.damaged = is_damaged(quantisation, conv.weights());
  }
  return conv;
}

Window padded_window(const ConvolutionOp& conv, const Shape& input, const Shape& output) {
  Window window = conv.window;
  if (conv.padding == ConvolutionOp::Padding::kSame) {
    auto before = [](int out, int stride, int kernel, int dilation, int in) {
      return ((out - 1) * stride + (kernel - 1) * dilation + 1 - in) / 2;
    };
    window.pad_top =
        before(output.height, window.stride_h, window.kernel_h, window.dilation_h, input.height);
    window.pad_left =
        before(output.width, window.stride_w, window.kernel_w, window.dilation_w, input.width);
  }
  return window;
}

std::optional<Activation> read_addition(const abi::Op* op) { return read_binary(op, kAdd); }

std::optional<Activation> read_multiplication(const abi::Op* op) {
  return read_binary(op, kMultiply);
}

std::optional<CurveOp> read_curve(const abi::Op* op) {
  constexpr int kSigmoid = 29, kTanh = 30, kHardSwish = 31, kSilu = 34;
  if (const Table relu = main_of(op, kMainRelu)) {
    return CurveOp{kNoTensor, kNoTensor, Curve::kLeakyRelu, {relu.scalar<float>(kReluSlope, 0)}};
  }
  const Table unary = main_of(op, kMainUnaryOp);
  if (!unary) return std::nullopt;
  switch (unary.scalar<std::int32_t>(kUnaryKind, 0)) {
    case kSigmoid:
      return CurveOp{kNoTensor, kNoTensor, Curve::kSigmoid};
    case kTanh:
      return CurveOp{kNoTensor, kNoTensor, Curve::kTanh};
    case kHardSwish:
      return CurveOp{kNoTensor, kNoTensor, Curve::kHardSwish};
    case kSilu:
      return CurveOp{kNoTensor, kNoTensor, Curve::kSilu};
    default:
      return std::nullopt;
  }
}

std::optional<Activation> read_activation(const abi::Op* op) {
  if (op_type(op) == kRelu) {
    const Table relu = main_of(op, kMainRelu);
    const bool plain = !relu || relu.scalar<float>(kReluSlope, 0) == 0;
    return plain ? std::optional(Activation::kRelu) : std::nullopt;
  }
  if (op_type(op) == kRelu6) {
    const Table clip = main_of(op, kMainRelu6);
    const bool plain =
        !clip || (clip.scalar<float>(kRelu6Low, 0) == 0 && clip.scalar<float>(kRelu6High, 6) == 6);
    return plain ? std::optional(Activation::kRelu6) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<PoolingOp> read_pooling(const abi::Op* op) {
  const Table table = main_of(op, kMainPool);
  if (!table) return std::nullopt;
  auto integer = [&table](int id) { return table.scalar<std::int32_t>(id, 0); };
  PoolingOp pool;
  pool.mode = table.scalar<std::int8_t>(kPoolKind, 0) == 0 ? PoolMode::kMax : PoolMode::kAverage;
  pool.global = table.scalar<std::uint8_t>(kPoolGlobal, 0) != 0;
  const int padding = table.scalar<std::int8_t>(kPoolPadding, 0);
  pool.same_padding = padding == kPaddingSame;
  pool.window = {.kernel_h = integer(kPoolKernelY),
                 .kernel_w = integer(kPoolKernelX),
                 .stride_h = integer(kPoolStrideY),
                 .stride_w = integer(kPoolStrideX)};
  if (padding == kPaddingExplicit) {
    pool.window.pad_top = integer(kPoolPadY);
    pool.window.pad_left = integer(kPoolPadX);
    if (const auto pads = table.vector<std::int32_t>(kPoolPads); pads.size() == 4) {
      pool.window.pad_top = pads[0];
      pool.window.pad_left = pads[1];
    }
  }
  return pool;
}

std::optional<Window> pooling_window(const PoolingOp& pool, const Shape& input,
                                     const Shape& output) {
  Window w = pool.window;
  if (pool.global) {
    w = {.kernel_h = input.height,
         .kernel_w = input.width,
         .stride_h = input.height,
         .stride_w = input.width};
  }
  if (w.kernel_h < 1 || w.kernel_w < 1 || w.stride_h < 1 || w.stride_w < 1) return std::nullopt;
  if (pool.same_padding && !pool.global) {
    auto before = [](int out, int stride, int kernel, int in) {
      return std::max(0, (out - 1) * stride + kernel - in) / 2;
    };
    w.pad_top = before(output.height, w.stride_h, w.kernel_h, input.height);
    w.pad_left = before(output.width, w.stride_w, w.kernel_w, input.width);
  }
  // How far the last window lies beyond the image.
  const int below = (output.height - 1) * w.stride_h - w.pad_top + w.kernel_h - input.height;
  const int right = (output.width - 1) * w.stride_w - w.pad_left + w.kernel_w - input.width;
  if (pool.mode == PoolMode::kAverage) {
    // Whether cells outside count in the mean is a matter of four of MNN's settings.
    const bool inside = w.pad_top == 0 && w.pad_left == 0 && below <= 0 && right <= 0;
    return inside ? std::optional(w) : std::nullopt;
  }
  const bool cells_in_each = w.pad_top >= 0 && w.pad_left >= 0 && w.pad_top < w.kernel_h &&
                             w.pad_left < w.kernel_w && below < w.kernel_h && right < w.kernel_w;
  return cells_in_each ? std::optional(w) : std::nullopt;
}

}  // namespace patternlite::mnn
