#include "mnn/operator.h"

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
constexpr std::uint8_t kMainConvolution2D = 9;
constexpr int kConvCommon = 4, kConvBias = 8, kConvQuantisation = 10;
constexpr int kQuantisationIntegerScale = 24;
constexpr int kPadX = 4, kPadY = 6, kKernelX = 8, kKernelY = 10, kStrideX = 12, kStrideY = 14,
              kDilationX = 16, kDilationY = 18, kPadMode = 20, kGroup = 22, kOutputCount = 24,
              kInputCount = 26, kRelu = 28, kRelu6 = 30, kPads = 32;

}  // namespace

std::int32_t op_type(const abi::Op* op) { return Table(op).scalar<std::int32_t>(kOpType, 0); }

std::string op_name(const abi::Op* op) { return Table(op).string(kOpName); }

ConvolutionOp read_convolution(const abi::Op* op) {
  const Table table(op);
  const Table main = table.table(kOpMain);
  if (table.scalar<std::uint8_t>(kOpMainType, 0) != kMainConvolution2D || !main) {
    throw std::invalid_argument("not a Convolution2D");
  }
  const Table common = main.table(kConvCommon);
  if (!common) throw std::invalid_argument("a Convolution2D without its common part");
  auto integer = [&common](int id, int otherwise) {
    return common.scalar<std::int32_t>(id, otherwise);
  };
  ConvolutionOp conv;
  conv.filters = integer(kOutputCount, 0);
  conv.channels = integer(kInputCount, 0);
  conv.groups = integer(kGroup, 1);
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
  if (common.scalar<std::uint8_t>(kRelu, 0)) conv.activation = Activation::kRelu;
  if (common.scalar<std::uint8_t>(kRelu6, 0)) conv.activation = Activation::kRelu6;
  conv.bias = main.vector<float>(kConvBias);
  const Table quantisation = main.table(kConvQuantisation);
  conv.integer =
      quantisation && quantisation.scalar<std::uint8_t>(kQuantisationIntegerScale, 0) != 0;
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

}  // namespace patternlite::mnn
