#include "mnn/self_test.h"

#include <array>
#include <memory>
#include <string>

#include "mnn/map_tensor.h"
#include "mnn/operator.h"

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

void check_tensor(const EngineHandle& engine) {
  const std::vector<int> shape = {2, 5, 3, 4};
  const std::unique_ptr<abi::Tensor, void (*)(abi::Tensor*)> tensor(
      engine->create_device_tensor(shape, abi::kFloat32, abi::kNc4hw4), engine->destroy_tensor);
  expect(engine, tensor && tensor->dimensions == 4 && tensor->dim, "tensors have no dimensions");
  for (int i = 0; i < 4; ++i) {
    expect(engine, tensor->dim[i].extent == shape[i], "tensor extents are not where expected");
  }
  expect(engine, is_blocked_float(engine, *tensor), "tensor descriptions are not where expected");
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
  check_tensor(engine);
  expect(engine, probe_pack(engine, backend.get()) != 0, "tensors are not blocks of float32");
  check_execution(engine, backend.get());
}

}  // namespace patternlite::mnn
