// One of MNN's CPU backends, whose operators run in the engine if that saves time.
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
  // Makes `backend`, created by `runtime`, create our Executions. Returns null, and does nothing,
  // if its tensors are not blocked float32. `engine` must live for ever.
  static std::shared_ptr<ShadowBackend> attach(const EngineHandle& engine, abi::Backend* backend,
                                               const abi::Runtime* runtime);
  // The one attached to `backend`, or null. Outlives it if held.
  static std::shared_ptr<ShadowBackend> of(const abi::Backend* backend);

  const EngineHandle& engine() const { return engine_; }
  int pack() const { return pack_; }
  // For the thread that runs the session.
  Parallel& parallel() { return parallel_; }
  const std::shared_ptr<LayerLog>& log() const { return log_; }

  // How often MNN's memory has been asked for.
  int acquisitions() const { return acquisitions_; }

  // The operators that have been resized since the last compile().
  Recording& recording() { return recording_; }
  abi::ErrorCode compile();

  // Tells this backend that its session is a clone of the other one's.
  void adopt(const ShadowBackend& original);

 private:
  ShadowBackend(const EngineHandle& engine, abi::Backend* backend, const abi::Runtime* runtime,
                int pack);
  // MNN's Execution, or ours around it.
  abi::Execution* create(abi::Backend* backend, const abi::Tensors& inputs,
                         const abi::Tensors& outputs, const abi::Op* op);
  StockExecution stock_execution(abi::Backend* backend, const abi::Tensors& inputs,
                                 const abi::Tensors& outputs, const abi::Op* op) const;
  Origin origin_of(const abi::Tensors& tensors) const;  // of several, the most certain one
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
  // The outputs of our Executions created so far, which are cheap to read here. Tensors that MNN
  // makes anew at each resize may lie at the address of others, so whatever writes one sets its
  // origin.
  std::map<const abi::Tensor*, Origin> ours_;
  // The names of operators that run here although MNN's CPU backend does not know them, and those
  // of the original: in a clone, MNN makes them after layers that were cloned instead of created,
  // so nothing is known about their inputs.
  std::set<std::string> lone_, lone_originals_;
  std::shared_ptr<LayerLog> log_;
  // Packings for the last two sizes, since models may be given them in turns.
  std::deque<std::shared_ptr<const PackedLayers>> packed_;
  const std::shared_ptr<TuneBudget> budget_;  // for all the sizes that the session will have
  std::shared_ptr<ShadowBackend> self_;       // until the backend is destroyed
};

}  // namespace patternlite::mnn
