// MNN's own thread pool, as the engine sees threads.
#pragma once

#include "engine/support/parallel.h"
#include "mnn/abi/engine_handle.h"

namespace patternlite::mnn {

// MNN's workers spin while a session runs, so a second pool would fight them for the cores.
class PoolParallel final : public Parallel {
 public:
  // `runtime` is a CPURuntime that has created a backend, and outlives this. It has its number of
  // threads from then on: MNN gives the runtime the number of the last manager made.
  PoolParallel(const EngineHandle& engine, const abi::Runtime* runtime);

  // 1 while the session does not run, and when MNN's pool has no place left for it.
  int threads() const override;

 private:
  void deal(int count, const std::function<void(int)>& task) override;

  const EngineHandle& engine_;
  const abi::Runtime* runtime_;
  const int threads_;  // 1, too, where the runtime looks otherwise than known
};

}  // namespace patternlite::mnn
