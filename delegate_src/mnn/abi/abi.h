// The part of MNN's C++ ABI that the backend touches, declared anew: MNN's wheel carries no
// headers.
//
// Itanium C++ ABI, LP64. Valid for MNN 3.6.1 (engine_handle.h refuses every other version). Only
// types whose layout does not depend on the std::string ABI appear here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace patternlite::mnn::abi {

// Only ever handled by pointer; the few fields that are read are named below by offset.
struct Backend;
struct Runtime;
struct Op;
struct RuntimeManager;
struct Session;
struct ThreadPool;

enum ForwardType : std::int32_t { kForwardCpu = 0, kForwardCpuExtension = 13 };
enum ErrorCode : std::int32_t { kNoError = 0, kOutOfMemory = 1, kNotSupport = 2 };
enum StorageType : std::int32_t { kStatic = 0, kDynamic = 1 };
enum DimensionType : std::int32_t { kNhwc = 0, kNchw = 1, kNc4hw4 = 2 };  // of a tensor's creation
enum DimensionFormat : std::uint8_t { kFormatNchw = 0, kFormatNhwc = 1, kFormatNc4hw4 = 2 };
// Neither of these: known outside the network.
enum Usage : std::int32_t { kUsageNormal = 0, kUsageConstant = 3 };

struct HalideType {
  std::int32_t code;  // 2: float
  std::uint8_t bits;
  std::uint16_t lanes;
};
inline constexpr HalideType kFloat32{2, 32, 1};
static_assert(sizeof(HalideType) == 8 && offsetof(HalideType, lanes) == 6);

struct Dimension {
  std::int32_t min, extent, stride;
  std::uint32_t flags;
};
static_assert(sizeof(Dimension) == 16);

struct Tensor {
  std::uint64_t device;
  const void* interface;
  std::uint8_t* host;
  std::uint64_t flags;
  HalideType type;
  std::int32_t dimensions;
  Dimension* dim;
  void* padding;
  void* describe;
};
static_assert(sizeof(Tensor) == 72 && offsetof(Tensor, host) == 16 &&
              offsetof(Tensor, type) == 32 && offsetof(Tensor, dimensions) == 40 &&
              offsetof(Tensor, dim) == 48);
using Tensors = std::vector<Tensor*>;

// Tensor::InsideDescribe::NativeInsideDescribe, 280 bytes: the fields read of it.
inline constexpr std::ptrdiff_t kDescribeDimensionFormat = 0;  // DimensionFormat, 32 bits wide
inline constexpr std::ptrdiff_t kDescribeUseCount = 24;        // int32: operators still to read it
inline constexpr std::ptrdiff_t kDescribeUsage = 28;           // Usage
inline constexpr std::ptrdiff_t kDescribeRegions = 32;         // std::vector<Region>
inline constexpr std::ptrdiff_t kDescribeQuantAttr = 216;      // shared_ptr's pointer
// Tensor::InsideDescribe.
inline constexpr std::ptrdiff_t kOriginBackend = 32;  // Backend*

// What a Raster copies into its output: a box of `size` elements, strided on both sides.
struct View {
  std::int32_t offset, stride[3];
  bool operator==(const View&) const = default;
};
struct Region {
  View source, destination;
  std::int32_t size[3];
  const Tensor* origin;
};
static_assert(sizeof(Region) == 56 && offsetof(Region, size) == 32 &&
              offsetof(Region, origin) == 48);

struct BackendConfig {
  std::int32_t memory, power, precision;
  std::uint64_t flags;
};
static_assert(sizeof(BackendConfig) == 24 && offsetof(BackendConfig, flags) == 16);

struct Info {
  std::int32_t type;
  std::int32_t threads;
  BackendConfig* user;
  std::int32_t mode;
};
static_assert(sizeof(Info) == 24 && offsetof(Info, user) == 8 && offsetof(Info, mode) == 16);

// A plugin's creator is one of ours: declared as a class, so that our compiler lays out its vtable.
class RuntimeCreator {
 public:
  virtual ~RuntimeCreator() = default;
  virtual Runtime* on_create(const Info& info) const = 0;
  virtual bool on_valid(Info& info) const = 0;
  virtual bool on_get_device_info(const void* key,
                                  void* value) const = 0;  // std::string&, untouched
  virtual bool on_set_quant_info(const Op* op, const Tensors& inputs,
                                 const Tensors& outputs) const = 0;
};
static_assert(sizeof(RuntimeCreator) == 8);

class Execution {
 public:
  explicit Execution(Backend* backend) : backend_(backend) {}
  virtual ~Execution() = default;
  virtual ErrorCode on_resize(const Tensors& inputs, const Tensors& outputs) = 0;
  virtual ErrorCode on_execute(const Tensors& inputs, const Tensors& outputs) = 0;
  // With destination null: may it be cloned? Otherwise clones.
  virtual bool on_clone(Backend* backend, const Op* op, Execution** destination) = 0;

  Backend* backend() const { return backend_; }

 private:
  // Read by MNN, inline.
  [[maybe_unused]] bool valid_ = true;
  [[maybe_unused]] bool allocate_inputs_and_outputs_ = true;
  Backend* backend_;
};
struct ExecutionLayout {  // the same, without virtuals: offsetof needs a standard layout
  void* vtable;
  bool valid, allocate_inputs_and_outputs;
  Backend* backend;
};
static_assert(sizeof(Execution) == sizeof(ExecutionLayout) && sizeof(Execution) == 24 &&
              offsetof(ExecutionLayout, valid) == 8 && offsetof(ExecutionLayout, backend) == 16);

// Slots of the vtables of MNN's own objects, counted from the address in the object.
inline constexpr int kRuntimeCreatorSlots = 6;
enum RuntimeSlot {
  kRuntimeDelete = 2,  // the deleting destructor
  kRuntimeCreateBackend = 3,
  kRuntimeMemory = 6,
  kRuntimeSlots = 17
};
enum BackendSlot {
  kBackendDelete = 1,
  kBackendCreateExecution = 2,
  kBackendResizeBegin = 3,
  kBackendResizeEnd = 4,
  kBackendGetRuntime = 7,
  kBackendAcquire = 8,
  kBackendCopyBuffer = 12,
  kBackendSlots = 16
};
enum ExecutionSlot {
  kExecutionDelete = 1,
  kExecutionResize = 2,
  kExecutionExecute = 3,
  kExecutionClone = 4,
  kExecutionSlots = 5
};
using DeleteFunction = void (*)(void* object);
using CreateBackendFunction = Backend* (*)(const Runtime*, const BackendConfig*, Backend* origin);
using CreateExecutionFunction = Execution* (*)(Backend*, const Tensors& inputs,
                                               const Tensors& outputs, const Op*);
using MemoryFunction = float (*)(Runtime*);  // in MB
using AcquireFunction = void* (*)(Backend*, const Tensor*, std::int32_t storage);
using ResizeBeginFunction = void (*)(Backend*);
using ResizeEndFunction = ErrorCode (*)(Backend*);
using RunFunction = ErrorCode (*)(Execution*, const Tensors& inputs, const Tensors& outputs);
using CloneFunction = bool (*)(Execution*, Backend*, const Op*, Execution** destination);
using GetRuntimeFunction = const Runtime* (*)(Backend*);
using CopyBufferFunction = void (*)(const Backend*, const Tensor* source,
                                    const Tensor* destination);

template <typename Function>
Function slot(const void* object, int index) {
  const auto table = *static_cast<void* const* const*>(object);
  return reinterpret_cast<Function>(table[index]);
}

template <typename Field>
Field field(const void* object, std::ptrdiff_t offset) {
  return *reinterpret_cast<const Field*>(static_cast<const char*>(object) + offset);
}

// Fields of Backend and of CPURuntime.
inline constexpr std::ptrdiff_t kBackendType = 16;         // int32
inline constexpr std::ptrdiff_t kRuntimeThreads = 176;     // int32
inline constexpr std::ptrdiff_t kRuntimeCpuMask = 208;     // unsigned long
inline constexpr std::ptrdiff_t kRuntimeThreadPool = 216;  // ThreadPool*
inline constexpr std::ptrdiff_t kRuntimeTaskIndex = 224;   // int32, -1 outside a run

// Interpreter::SessionInfoCode.
enum InfoCode : std::int32_t { kInfoMemory = 0 };

using PoolTask = std::pair<std::function<void(int)>, int>;
static_assert(sizeof(std::vector<int>) == 24 && sizeof(std::function<void(int)>) == 32 &&
              sizeof(PoolTask) == 40 && sizeof(std::shared_ptr<void>) == 16);

}  // namespace patternlite::mnn::abi
