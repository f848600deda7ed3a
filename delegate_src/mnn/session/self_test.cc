#include "mnn/session/self_test.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "mnn/model/map_tensor.h"
#include "mnn/model/operator.h"

namespace patternlite::mnn {
namespace {

void expect(const EngineHandle& engine, bool condition, const char* what) {
  if (condition) return;
  throw RegistrationError("MNN " + std::string(engine->version()) +
                          " as installed here is laid out differently: " + what +
                          ". Reinstall it from PyPI." + engine.remedy());
}

template <typename Object>
auto owned(Object* object, int delete_slot) {
  auto destroy = [delete_slot](Object* it) { abi::slot<abi::DeleteFunction>(it, delete_slot)(it); };
  return std::unique_ptr<Object, decltype(destroy)>(object, destroy);
}

// A flatbuffer with nothing but an operator type; a Raster needs no more to be created.
struct TypeOnlyOp {
  std::array<std::uint16_t, 8> vtable{16, 8, 0, 0, 0, 0, 0, 4};  // field 14 (type) at offset 4
  std::int32_t to_vtable = 16;
  std::int32_t type = kRaster;
  const abi::Op* op() const { return reinterpret_cast<const abi::Op*>(&to_vtable); }
};
static_assert(sizeof(TypeOnlyOp) == 24);

using Owner = std::unique_ptr<abi::Tensor, void (*)(abi::Tensor*)>;

void check_tensor(const EngineHandle& engine, abi::Backend* backend) {
  const std::vector<int> shape = {2, 5, 3, 4};
  const auto create = [&] {
    return Owner(engine->create_device_tensor(shape, abi::kFloat32, abi::kNc4hw4),
                 engine->destroy_tensor);
  };
  const Owner tensor = create(), alias = create();
  expect(engine, tensor && alias && tensor->dimensions == 4 && tensor->dim,
         "tensors have no dimensions");
  for (int i = 0; i < 4; ++i) {
    expect(engine, tensor->dim[i].extent == shape[i], "tensor extents are not where expected");
  }
  const void* describe = engine->describe(tensor.get());
  expect(engine,
         is_blocked_float(engine, *tensor) &&
             abi::field<std::int32_t>(describe, abi::kDescribeUseCount) == 0 &&
             abi::field<abi::Usage>(describe, abi::kDescribeUsage) == abi::kUsageNormal,
         "tensor descriptions are not where expected");

  const std::vector<abi::Region>& regions = regions_of(engine, *alias);
  const bool none = regions.data() == nullptr && regions.capacity() == 0;
  const abi::View all{0, {120, 120, 1}};
  if (none) engine->make_full_reference(alias.get(), tensor.get());
  expect(engine,
         none && regions.size() == 1 && regions[0].origin == tensor.get() &&
             regions[0].source == all && regions[0].destination == all &&
             std::ranges::equal(regions[0].size, std::array{1, 1, 120}),
         "tensor regions are not where expected");

  const bool has_memory = engine->acquire_buffer(backend, tensor.get(), abi::kStatic);
  const void* origin = engine->describe_origin(tensor.get());
  expect(engine, has_memory && abi::field<abi::Backend*>(origin, abi::kOriginBackend) == backend,
         "tensors do not name their backend");
  engine->release_buffer(backend, tensor.get(), abi::kStatic);
}

void check_execution(const EngineHandle& engine, abi::Backend* backend) {
  const TypeOnlyOp raster;
  abi::Execution* created = abi::slot<abi::CreateExecutionFunction>(
      backend, abi::kBackendCreateExecution)(backend, {}, {}, raster.op());
  expect(engine, created && engine.has_engine_vtable(created, abi::kExecutionSlots),
         "executions cannot be created");
  // Through its own vtable, not our class's: it is MNN's object.
  const auto execution = owned(static_cast<void*>(created), abi::kExecutionDelete);
  expect(engine,
         abi::field<abi::Backend*>(execution.get(), offsetof(abi::ExecutionLayout, backend)) ==
                 backend &&
             abi::field<bool>(execution.get(), offsetof(abi::ExecutionLayout, valid)),
         "executions do not name their backend");
}

}  // namespace

void self_test(const EngineHandle& engine) {
  const abi::RuntimeCreator* creator = engine->get_runtime_creator(abi::kForwardCpu);
  expect(engine, creator && engine.has_engine_vtable(creator, abi::kRuntimeCreatorSlots),
         "there is no CPU runtime");
  // One thread: MNN's thread pool keeps for ever the size it is first created with.
  const abi::Info info{.type = abi::kForwardCpu, .threads = 1, .user = nullptr, .mode = 0};
  const auto runtime = owned(creator->on_create(info), abi::kRuntimeDelete);
  expect(engine, runtime && engine.has_engine_vtable(runtime.get(), abi::kRuntimeSlots),
         "the CPU runtime's functions are not MNN's");
  const auto backend =
      owned(abi::slot<abi::CreateBackendFunction>(runtime.get(), abi::kRuntimeCreateBackend)(
                runtime.get(), nullptr, nullptr),
            abi::kBackendDelete);
  expect(engine, backend && engine.has_engine_vtable(backend.get(), abi::kBackendSlots),
         "the CPU backend's functions are not MNN's");
  expect(engine,
         abi::slot<abi::GetRuntimeFunction>(
             backend.get(), abi::kBackendGetRuntime)(backend.get()) == runtime.get(),
         "the CPU backend does not name its runtime");
  const auto type = abi::field<std::int32_t>(backend.get(), abi::kBackendType);
  expect(engine, type == abi::kForwardCpu || type == abi::kForwardCpuExtension,
         "the CPU backend has an unknown type");
  check_tensor(engine, backend.get());
  expect(engine, probe_pack(engine, backend.get()) != 0, "tensors are not blocks of float32");
  check_execution(engine, backend.get());
}

}  // namespace patternlite::mnn
