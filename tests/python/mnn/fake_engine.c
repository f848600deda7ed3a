/* As much of MNN's engine as registration looks at, laid out as in MNN 3.6.1; -DBREAK=n makes it
 * differ in one thing. See test_mnn_guards.py. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum Difference {
  kNone,
  kNoCreator,
  kForeignCreator,
  kNoRuntime,
  kForeignRuntime,
  kNoBackend,
  kForeignBackend,
  kOtherRuntime,
  kOtherType,
  kNoDimensions,
  kOtherExtents,
  kOtherFormat,
  kOtherUseCount,
  kOtherUsage,
  kOtherQuantisation,
  kOtherRegions,
  kOtherRegion,
  kOtherOrigin,
  kNoMemory,
  kHalfFloats,
  kNoExecution,
  kForeignExecution,
  kOtherExecutionBackend,
  kInvalidExecution,
  kAllTypesTaken,
  kOtherThreads
};
#define BROKEN(what) (BREAK == (what))

typedef void (*Function)(void);
typedef struct {
  Function* table;
  int64_t fields[32];
} Object;
static Object creator, runtime, backend, execution, *plugin;
static bool half_floats = BROKEN(kHalfFloats);

static void nothing(void) {}
/* A table of the engine's own functions, or with one of another library's. */
static Object* object(Object* it, int slots, bool foreign) {
  it->table = malloc(slots * sizeof(Function));
  for (int i = 0; i < slots; ++i) it->table[i] = nothing;
  if (foreign) it->table[slots - 1] = (Function)malloc;
  return it;
}

typedef struct {
  int32_t min, extent, stride, flags;
} Dimension;
typedef struct {
  uint64_t device;
  void* interface;
  float* host;
  uint64_t flags;
  struct {
    int32_t code;
    uint8_t bits;
    uint16_t lanes;
  } type;
  int32_t dimensions;
  Dimension* dim;
  void* padding;
  void* describe;
} Tensor;
typedef struct {
  int32_t source[4], destination[4], size[3];
  const Tensor* origin;
} Region;
typedef struct {
  int32_t format, memory, skipped[4], use_count, usage;
  Region *begin, *end, *capacity;
  char dims[160];
  void* quantisation;
  char rest[56];
} Describe;
typedef struct {
  int *begin, *end, *capacity;
} Shape;

static Tensor* tensor(const Shape* shape, float* host) {
  Tensor* it = calloc(1, sizeof *it);
  it->host = host;
  it->type.code = 2;
  it->type.bits = 32;
  it->type.lanes = 1;
  it->dimensions = shape->end - shape->begin;
  it->dim = calloc(it->dimensions, sizeof *it->dim);
  for (int i = 0; i < it->dimensions; ++i)
    it->dim[i].extent = shape->begin[i] + BROKEN(kOtherExtents);
  if (BROKEN(kNoDimensions)) it->dim = NULL;
  Describe* describe = calloc(1, sizeof *describe);
  describe->format = BROKEN(kOtherFormat) ? 0 : 2;
  describe->use_count = BROKEN(kOtherUseCount);
  describe->usage = BROKEN(kOtherUsage);
  if (BROKEN(kOtherQuantisation)) describe->quantisation = it;
  if (BROKEN(kOtherRegions)) describe->begin = describe->end = calloc(1, sizeof(Region));
  it->describe = describe;
  return it;
}
Tensor* _ZN3MNN6Tensor12createDeviceERKSt6vectorIiSaIiEE13halide_type_tNS0_13DimensionTypeE(
    const Shape* shape, uint64_t type, int format) {
  return tensor(shape, NULL);
}
Tensor* _ZN3MNN6Tensor6createERKSt6vectorIiSaIiEE13halide_type_tPvNS0_13DimensionTypeE(
    const Shape* shape, uint64_t type, void* data, int format) {
  return tensor(shape, data);
}
void _ZN3MNN6Tensor7destroyEPS0_(Tensor* it) {}
const void* _ZN3MNN11TensorUtils11getDescribeEPKNS_6TensorE(const Tensor* it) {
  return it->describe;
}
const void* _ZN3MNN11TensorUtils17getDescribeOriginEPKNS_6TensorE(const Tensor* it) {
  static void* origin[5];
  origin[4] = BROKEN(kOtherOrigin) ? NULL : &backend;
  return origin;
}
void _ZN3MNN11TensorUtils11makeFullRefEPNS_6TensorES2_(Tensor* output, Tensor* input) {
  int count = 1;
  for (int i = 0; i < input->dimensions; ++i) count *= input->dim[i].extent;
  Region* region = malloc(sizeof *region);
  *region = (Region){{0, count, count, 1}, {0, count, count, 1}, {1, 1, count}, input};
  if (BROKEN(kOtherRegion)) region->size[2] = 1;
  Describe* describe = output->describe;
  describe->begin = region;
  describe->end = describe->capacity = region + 1;
}
bool _ZN3MNN7Backend15onAcquireBufferEPKNS_6TensorENS0_11StorageTypeE(Object* it, Tensor* t,
                                                                      int storage) {
  t->host = calloc(64 * 2, sizeof(float));
  return !BROKEN(kNoMemory);
}

/* NCHW to blocks of 8 channels, 64 channels of 2 pixels. */
static void copy_buffer(Object* it, const Tensor* from, const Tensor* to) {
  for (int c = 0; c < 64; ++c) {
    for (int x = 0; x < 2; ++x) {
      const int at = (c / 8 * 2 + x) * 8 + c % 8;
      if (half_floats) {
        ((uint16_t*)to->host)[at] = (uint16_t)from->host[c * 2 + x];
      } else {
        to->host[at] = from->host[c * 2 + x];
      }
    }
  }
}
static Object* create_execution(Object* it) {
  if (BROKEN(kNoExecution)) return NULL;
  object(&execution, 5, BROKEN(kForeignExecution));
  execution.fields[0] = BROKEN(kInvalidExecution) ? 0 : 0x0101;
  execution.fields[1] = BROKEN(kOtherExecutionBackend) ? 0 : (int64_t)&backend;
  return &execution;
}
static Object* get_runtime(Object* it) { return BROKEN(kOtherRuntime) ? &backend : &runtime; }
static Object* create_backend(Object* it) {
  if (BROKEN(kNoBackend)) return NULL;
  object(&backend, 16, BROKEN(kForeignBackend));
  backend.table[2] = (Function)create_execution;
  backend.table[7] = (Function)get_runtime;
  backend.table[12] = (Function)copy_buffer;
  backend.fields[1] = BROKEN(kOtherType) ? 5 : 13;
  return &backend;
}
static Object* create_runtime(Object* it) {
  if (BROKEN(kNoRuntime)) return NULL;
  object(&runtime, 17, BROKEN(kForeignRuntime));
  runtime.table[3] = (Function)create_backend;
  runtime.fields[21] = BROKEN(kOtherThreads) ? 2 : 1;
  return &runtime;
}

void* _ZN3MNN25MNNGetExtraRuntimeCreatorE14MNNForwardType(int type) {
  if (type != 0) return BROKEN(kAllTypesTaken) ? &creator : NULL;
  if (BROKEN(kNoCreator)) return NULL;
  object(&creator, 6, BROKEN(kForeignCreator));
  creator.table[2] = (Function)create_runtime;
  return &creator;
}
bool _ZN3MNN28MNNInsertExtraRuntimeCreatorE14MNNForwardTypePKNS_14RuntimeCreatorEb(int type,
                                                                                   Object* it,
                                                                                   bool check) {
  plugin = it;
  return true;
}
/* Whether the registered plugin makes a runtime, all floats being of 16 bits. */
bool creates_runtime(bool half) {
  const struct {
    int32_t type, threads;
    void* user;
    int64_t mode;
  } info = {8, 1, NULL, 0};
  half_floats = half;
  Object* (*create)(Object*, const void*) = (Object * (*)(Object*, const void*)) plugin->table[2];
  return create(plugin, &info) != NULL;
}
/* Whether that runtime makes a backend, all floats being of 16 bits by now or not. */
bool creates_backend(bool half) {
  half_floats = half;
  Object* (*create)(Object*, const void*, Object*) =
      (Object * (*)(Object*, const void*, Object*)) runtime.table[3];
  return create(&runtime, NULL, NULL) != NULL;
}
const char* _ZN3MNN10getVersionEv(void) { return "3.6.1"; }

/* Not called by registration. */
#define UNUSED(name) \
  int name(void) { return 0; }
UNUSED(_ZN3MNN7Backend15onReleaseBufferEPKNS_6TensorENS0_11StorageTypeE)
UNUSED(_ZN3MNN10ThreadPool4initEimRPS0_)
UNUSED(_ZN3MNN10ThreadPool7enqueueEPSt4pairISt8functionIFviEEiEi)
UNUSED(_ZNK3MNN7Session7getInfoENS_11Interpreter15SessionInfoCodeEPv)
UNUSED(_ZNK3MNN7Session8getInputEPKc)
UNUSED(_ZNK3MNN7Session9getOutputEPKc)
UNUSED(_ZN3MNN7Express8Executor14RuntimeManager7getInfoENS_11Interpreter15SessionInfoCodeEPv)
#ifndef WITHOUT_WEIGHTS
UNUSED(
    _ZN3MNN17ConvolutionCommon17getConvParametersEPSt10shared_ptrINS0_10Int8CommonEEPNS_7BackendEPKNS_2OpEPPKfPi)
#endif
