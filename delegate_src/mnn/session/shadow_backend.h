// One of MNN's CPU backends, whose operators run in the engine where that saves time.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "engine/plan/tune_budget.h"
#include "mnn/abi/engine_handle.h"
#include "mnn/abi/pool_parallel.h"
#include "mnn/abi/shadow_vtable.h"
#include "mnn/abi/stock_execution.h"
#include "mnn/model/recording.h"
#include "mnn/plan/pack_layers.h"
#include "mnn/plan/selection.h"
#include "mnn/session/layer_log.h"

namespace patternlite::mnn {

class ShadowBackend {
 public:
  // Lets `backend`, made by `runtime`, create our Executions. Returns null, and does nothing, if
  // its tensors are not blocked float32. `engine` lives for ever.
  static std::shared_ptr<ShadowBackend> attach(const EngineHandle& engine, abi::Backend* backend,
                                               const abi::Runtime* runtime);
  // The one attached to `backend`, or null. Outlives it if held.
  static std::shared_ptr<ShadowBackend> of(const abi::Backend* backend);

  const EngineHandle& engine() const { return engine_; }
  int pack() const { return pack_; }
  // For the thread that runs the session.
  Parallel& parallel() { return parallel_; }
  const std::shared_ptr<LayerLog>& log() const { return log_; }

  // How often memory was asked for.
  int acquisitions() const { return acquisitions_; }

  // What has been resized since the last compile().
  Recording& recording() { return recording_; }
  abi::ErrorCode compile();

  // This one's session is a clone of that one's.
  void adopt(const ShadowBackend& original);

 private:
  ShadowBackend(const EngineHandle& engine, abi::Backend* backend, const abi::Runtime* runtime,
                int pack);
  // MNN's, or ours around it.
  abi::Execution* create(abi::Backend* backend, const abi::Tensors& inputs,
                         const abi::Tensors& outputs, const abi::Op* op);
  StockExecution stock_execution(abi::Backend* backend, const abi::Tensors& inputs,
                                 const abi::Tensors& outputs, const abi::Op* op) const;
  Origin origin_of(const abi::Tensors& tensors) const;  // the surest of them
  static abi::Execution* create_execution(abi::Backend* backend, const abi::Tensors& inputs,
                                          const abi::Tensors& outputs, const abi::Op* op);
  static void* acquire(abi::Backend* backend, const abi::Tensor* tensor, std::int32_t storage);
  static void resize_begin(abi::Backend* backend);
  static abi::ErrorCode resize_end(abi::Backend* backend);
  static void destroy(void* backend);
  void keep(std::shared_ptr<const PackedLayers> packed);

  const EngineHandle& engine_;
  ShadowVtable vtable_;
  const int pack_;
  PoolParallel parallel_;
  std::atomic<int> acquisitions_ = 0;
  Recording recording_;
  // Outputs of our Executions, as far as they were created: what is cheap to read here. Tensors
  // that MNN makes anew at each resize may stand where others stood: what writes one says whose it
  // is.
  std::map<const abi::Tensor*, Origin> ours_;
  // Operators that no backend of MNN's kind knows and that run here, by name, and those of the
  // original: a clone's are made after layers that MNN did not create but cloned, so that nothing
  // is known of their inputs.
  std::set<std::string> lone_, lone_originals_;
  std::shared_ptr<LayerLog> log_;
  // Of the last two sizes: models may be given them in turns.
  std::deque<std::shared_ptr<const PackedLayers>> packed_;
  const std::shared_ptr<TuneBudget> budget_;  // for all the sizes that the session will have
  std::shared_ptr<ShadowBackend> self_;       // until the backend is destroyed
};

}  // namespace patternlite::mnn
