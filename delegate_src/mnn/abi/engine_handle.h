// The loaded MNN engine: its exported functions, found by name, and where its code lies.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "mnn/abi/abi.h"

namespace patternlite::mnn {

// The engine is not one that this backend was made for. what() says what was found, and the remedy.
class RegistrationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The engine versions whose ABI abi.h describes.
inline const std::vector<std::string> kSupportedVersions = {"3.6.1"};

// Functions of MNN, under this project's names.
struct EngineFunctions {
  const char* (*version)();
  bool (*insert_runtime_creator)(std::int32_t type, const abi::RuntimeCreator*, bool check);
  const abi::RuntimeCreator* (*get_runtime_creator)(std::int32_t type);
  const void* (*describe)(const abi::Tensor*);
  const void* (*describe_origin)(const abi::Tensor*);
  // Makes `output` another name for `input`, by one region.
  void (*make_full_reference)(abi::Tensor* output, abi::Tensor* input);
  bool (*acquire_buffer)(abi::Backend*, const abi::Tensor*, abi::StorageType);
  bool (*release_buffer)(abi::Backend*, const abi::Tensor*, abi::StorageType);
  abi::Tensor* (*create_device_tensor)(const std::vector<int>& shape, abi::HalideType,
                                       abi::DimensionType);
  abi::Tensor* (*create_host_tensor)(const std::vector<int>& shape, abi::HalideType, void* data,
                                     abi::DimensionType);
  void (*destroy_tensor)(abi::Tensor*);
  int (*thread_pool_init)(int threads, unsigned long cpu_mask, abi::ThreadPool*&);
  void (*thread_pool_enqueue)(abi::ThreadPool*, abi::PoolTask*, int task_index);
  // Dense float weights [filter][channel][row][column] of a convolution, however it stores them;
  // `owner` keeps them alive.
  void (*convolution_weights)(std::shared_ptr<void>* owner, abi::Backend*, const abi::Op*,
                              const float** weights, int* count);
  bool (*session_info)(const abi::Session*, abi::InfoCode, void* result);
  // The first, if `name` is null.
  const abi::Tensor* (*session_input)(const abi::Session*, const char* name);
  const abi::Tensor* (*session_output)(const abi::Session*, const char* name);
  bool (*manager_info)(abi::RuntimeManager*, abi::InfoCode, void* result);
};

class EngineHandle {
 public:
  // Finds the engine that is loaded from `library` (the path of the extension module _mnncengine).
  // Throws RegistrationError if it is not loaded, is of a version not in `supported`, or lacks a
  // function.
  static EngineHandle open(const std::string& library, const std::vector<std::string>& supported);

  // " Supported: MNN 3.6.1 (pip install mnn==3.6.1).", for the end of error texts.
  std::string remedy() const;

  const EngineFunctions* operator->() const { return &functions_; }
  // Whether `address` lies in the engine's executable segments.
  bool is_code(const void* address) const;
  // Whether the first `slots` virtual functions of the object all do.
  bool has_engine_vtable(const void* object, int slots) const;

 private:
  EngineFunctions functions_{};
  std::vector<std::string> supported_;  // versions: those that open() was asked for
  std::vector<std::pair<std::uintptr_t, std::uintptr_t>> code_;  // [begin, end)
};

}  // namespace patternlite::mnn
