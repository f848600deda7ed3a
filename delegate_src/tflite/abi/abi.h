// The part of TFLite's C ABI that the delegate uses, declared anew: the runtimes' wheels carry no C
// headers. Names are the runtime's, so that its documentation applies; what is never touched is
// opaque. Layouts hold for tflite-runtime 2.14, ai-edge-litert 2.x and tensorflow 2.19+ on 64-bit
// machines.
//
// Only function pointers of TfLiteContext may be called: the runtimes export no TfLite* symbols.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace patternlite::tflite {

extern "C" {

enum TfLiteStatus : int { kTfLiteOk = 0, kTfLiteError = 1 };

enum TfLiteType : int {
  kTfLiteFloat32 = 1,
  kTfLiteInt32 = 2,
  kTfLiteUInt8 = 3,
  kTfLiteInt64 = 4,
  kTfLiteBool = 6,
  kTfLiteInt16 = 7,
  kTfLiteInt8 = 9,
  kTfLiteFloat16 = 10,
  kTfLiteInt4 = 18,
  kTfLiteBFloat16 = 19,
};

// Only kTfLiteMmapRo tensors (the file's constants) have data before the graph runs.
enum TfLiteAllocationType : int { kTfLiteMemNone = 0, kTfLiteMmapRo = 1 };

struct TfLiteIntArray {
  int size;  // and as many ints right behind it: items()
};

// How a tensor's non-zero blocks are stored: one level of storage per entry of the traversal order.
struct TfLiteDimensionMetadata {
  int format;                            // TfLiteDimensionFormat
  int dense_size;                        // of a dense level
  const TfLiteIntArray* array_segments;  // of a compressed one: where each row's indices begin
  const TfLiteIntArray* array_indices;
};

enum TfLiteDimensionFormat : int { kTfLiteDimDense = 0, kTfLiteDimSparseCsr = 1 };

struct TfLiteSparsity {
  const TfLiteIntArray* traversal_order;  // the tensor's axes, then the blocks'
  const TfLiteIntArray* block_map;        // the axis that each block axis cuts
  const TfLiteDimensionMetadata* dim_metadata;
  int dim_metadata_size;
};

struct TfLiteDelegate;

struct TfLiteTensor {
  TfLiteType type;
  union {
    void* raw;
    float* f;
    int32_t* i32;
    int64_t* i64;
  } data;
  TfLiteIntArray* dims;
  struct {
    float scale;
    int32_t zero_point;
  } params;
  TfLiteAllocationType allocation_type;
  size_t bytes;
  const void* allocation;
  const char* name;
  TfLiteDelegate* delegate;
  int buffer_handle;
  bool data_is_stale;
  bool is_variable;
  struct {
    int type;
    void* params;
  } quantization;
  const TfLiteSparsity* sparsity;  // not null: `data` is in a compressed format
  const TfLiteIntArray* dims_signature;
};

struct TfLiteNode {
  TfLiteIntArray* inputs;  // tensor indices; -1: optional tensor left out
  TfLiteIntArray* outputs;
  TfLiteIntArray* intermediates;
  TfLiteIntArray* temporaries;
  void* user_data;     // what a kernel's init returned
  void* builtin_data;  // one of the Params below
  const void* custom_initial_data;
  int custom_initial_data_size;
  TfLiteDelegate* delegate;
  bool might_have_side_effect;
};

struct TfLiteContext;

struct TfLiteRegistration {
  void* (*init)(TfLiteContext* context, const char* buffer, size_t length);
  void (*free)(TfLiteContext* context, void* user_data);
  TfLiteStatus (*prepare)(TfLiteContext* context, TfLiteNode* node);
  TfLiteStatus (*invoke)(TfLiteContext* context, TfLiteNode* node);
  const char* (*profiling_string)(const TfLiteContext* context, const TfLiteNode* node);
  int32_t builtin_code;
  const char* custom_name;
  int version;
  void* registration_external;
  void* async_kernel;
  uint64_t inplace_operator;
};

// One partition; a delegate kernel's init gets it as its buffer.
struct TfLiteDelegateParams {
  TfLiteDelegate* delegate;
  TfLiteIntArray* nodes_to_replace;
  TfLiteIntArray* input_tensors;
  TfLiteIntArray* output_tensors;
};

struct TfLiteContext {
  size_t tensors_size;
  TfLiteStatus (*GetExecutionPlan)(TfLiteContext*, TfLiteIntArray** execution_plan);
  TfLiteTensor* tensors;  // may move whenever the graph changes
  void* impl_;
  // Takes new_size, which must come from malloc.
  TfLiteStatus (*ResizeTensor)(TfLiteContext*, TfLiteTensor* tensor, TfLiteIntArray* new_size);
  void (*ReportError)(TfLiteContext*, const char* format, ...);
  void* AddTensors;
  TfLiteStatus (*GetNodeAndRegistration)(TfLiteContext*, int node_index, TfLiteNode** node,
                                         TfLiteRegistration** registration);
  TfLiteStatus (*ReplaceNodeSubsetsWithDelegateKernels)(TfLiteContext*, TfLiteRegistration,
                                                        const TfLiteIntArray* nodes_to_replace,
                                                        TfLiteDelegate*);
  int recommended_num_threads;  // -1: the runtime's default
  void* GetExternalContext;
  void* SetExternalContext;
  bool allow_fp32_relax_to_fp16;
  void* profiler;
  void* AllocatePersistentBuffer;
  void* AllocateBufferForEval;
  void* RequestScratchBufferInArena;
  void* GetScratchBuffer;
  void* ResizeTensorExplicit;
  // The partitions that replacing these nodes would give; the array is the runtime's.
  TfLiteStatus (*PreviewDelegatePartitioning)(TfLiteContext*,
                                              const TfLiteIntArray* nodes_to_replace,
                                              TfLiteDelegateParams** partitions,
                                              int* num_partitions);
  void* GetTensor;
  void* GetEvalTensor;
  void* GetModelMetadata;
  // Another of the model's graphs, open for delegates until it is released.
  TfLiteStatus (*AcquireSubgraphContext)(TfLiteContext*, int subgraph, TfLiteContext** acquired);
  TfLiteStatus (*ReleaseSubgraphContext)(TfLiteContext*, int subgraph);
};

enum TfLiteDelegateFlags : int64_t { kTfLiteDelegateFlagsAllowDynamicTensors = 1 };

struct TfLiteDelegate {
  void* data_;
  TfLiteStatus (*Prepare)(TfLiteContext*, TfLiteDelegate*);
  void* CopyFromBufferHandle;
  void* CopyToBufferHandle;
  void* FreeBufferHandle;
  int64_t flags;
  void* opaque_delegate_builder;
};

}  // extern "C"

inline std::span<const int> items(const TfLiteIntArray* array) {
  return {reinterpret_cast<const int*>(array) + 1, static_cast<size_t>(array->size)};
}

// One of our own to hand in.
class IntArray {
 public:
  explicit IntArray(const std::vector<int>& values) {
    storage_.push_back(static_cast<int>(values.size()));
    storage_.insert(storage_.end(), values.begin(), values.end());
  }
  const TfLiteIntArray* get() const {
    return reinterpret_cast<const TfLiteIntArray*>(storage_.data());
  }

 private:
  std::vector<int> storage_;
};

static_assert(sizeof(void*) == 8, "these layouts are those of 64-bit machines");
static_assert(sizeof(TfLiteTensor) == 112 && offsetof(TfLiteTensor, data) == 8 &&
              offsetof(TfLiteTensor, dims) == 16 && offsetof(TfLiteTensor, allocation_type) == 32 &&
              offsetof(TfLiteTensor, bytes) == 40 && offsetof(TfLiteTensor, name) == 56 &&
              offsetof(TfLiteTensor, delegate) == 64 &&
              offsetof(TfLiteTensor, quantization) == 80 && offsetof(TfLiteTensor, sparsity) == 96);
static_assert(sizeof(TfLiteDimensionMetadata) == 24 && sizeof(TfLiteSparsity) == 32);
static_assert(sizeof(TfLiteNode) == 80 && offsetof(TfLiteNode, user_data) == 32 &&
              offsetof(TfLiteNode, builtin_data) == 40 && offsetof(TfLiteNode, delegate) == 64);
static_assert(sizeof(TfLiteRegistration) == 88 &&
              offsetof(TfLiteRegistration, builtin_code) == 40 &&
              offsetof(TfLiteRegistration, custom_name) == 48 &&
              offsetof(TfLiteRegistration, inplace_operator) == 80);
static_assert(sizeof(TfLiteDelegate) == 56 && offsetof(TfLiteDelegate, Prepare) == 8 &&
              offsetof(TfLiteDelegate, flags) == 40);
static_assert(sizeof(TfLiteContext) == 200 && offsetof(TfLiteContext, tensors) == 16 &&
              offsetof(TfLiteContext, ResizeTensor) == 32 &&
              offsetof(TfLiteContext, GetNodeAndRegistration) == 56 &&
              offsetof(TfLiteContext, recommended_num_threads) == 72 &&
              offsetof(TfLiteContext, PreviewDelegatePartitioning) == 152 &&
              offsetof(TfLiteContext, AcquireSubgraphContext) == 184);
static_assert(sizeof(TfLiteDelegateParams) == 32);

}  // namespace patternlite::tflite
