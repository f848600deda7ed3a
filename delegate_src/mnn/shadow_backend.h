// One of MNN's CPU backends, taught to run sparse convolutions; all else it does as before.
#pragma once

#include <memory>

#include "mnn/engine_handle.h"
#include "mnn/layer_log.h"
#include "mnn/planar_scratch.h"
#include "mnn/pool_parallel.h"
#include "mnn/shadow_vtable.h"

namespace patternlite::mnn {

class ShadowBackend {
 public:
  // Lets `backend`, made by `runtime`, create our Executions. Does nothing if its tensors are not
  // blocked float32. `engine` lives for ever.
  static void attach(const EngineHandle& engine, abi::Backend* backend,
                     const abi::Runtime* runtime);
  // The one attached to `backend`, or null. Outlives it if held.
  static std::shared_ptr<ShadowBackend> of(const abi::Backend* backend);

  int pack() const { return pack_; }
  // For the thread that runs the session.
  Parallel& parallel() { return parallel_; }
  PlanarScratch& scratch() { return scratch_; }
  LayerLog& log() { return *log_; }

 private:
  ShadowBackend(const EngineHandle& engine, abi::Backend* backend, const abi::Runtime* runtime,
                int pack);
  static abi::Execution* create_execution(abi::Backend* backend, const abi::Tensors& inputs,
                                          const abi::Tensors& outputs, const abi::Op* op);
  static void destroy(void* backend);

  const EngineHandle& engine_;
  ShadowVtable vtable_;
  const int pack_;
  PoolParallel parallel_;
  PlanarScratch scratch_;
  std::shared_ptr<LayerLog> log_ = LayerLog::open();
  std::shared_ptr<ShadowBackend> self_;  // until the backend is destroyed
};

}  // namespace patternlite::mnn
