// MNN's own thread pool, as the engine sees threads.
#pragma once

#include "engine/support/parallel.h"
#include "mnn/abi/engine_handle.h"

namespace patternlite::mnn {

// MNN's workers spin while a session runs, so a second pool would compete with them for the cores.
class PoolParallel final : public Parallel {
 public:
  // `runtime` must be a CPURuntime that has created a backend, and outlive this object. Its number
  // of threads is read now, since MNN later overwrites it with that of the last manager made.
  PoolParallel(const EngineHandle& engine, const abi::Runtime* runtime);

  // 1 while the session does not run, and if MNN's pool has no room left for it.
  int threads() const override;

 private:
  void deal(int count, const std::function<void(int)>& task) override;

  const EngineHandle& engine_;
  const abi::Runtime* runtime_;
  const int threads_;  // also 1 if the runtime does not look as expected
};

}  // namespace patternlite::mnn
