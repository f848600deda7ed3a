#include "mnn/abi/pool_parallel.h"

#include <algorithm>
#include <atomic>
#include <cstdio>

namespace patternlite::mnn {
namespace {

constexpr int kMostThreads = 32;  // MNN's limit

abi::ThreadPool* pool_of(const abi::Runtime* runtime) {
  return abi::field<abi::ThreadPool*>(runtime, abi::kRuntimeThreadPool);
}

// CPURuntime's fields are private: believe them only if MNN returns the very pool that stands
// there.
bool has_known_layout(const EngineHandle& engine, const abi::Runtime* runtime, int threads) {
  if (threads < 2 || threads > kMostThreads || !pool_of(runtime)) return false;
  abi::ThreadPool* pool = nullptr;
  engine->thread_pool_init(threads, abi::field<unsigned long>(runtime, abi::kRuntimeCpuMask), pool);
  return pool == pool_of(runtime) &&
         abi::field<std::int32_t>(runtime, abi::kRuntimeTaskIndex) >= -1;
}

int threads_of(const EngineHandle& engine, const abi::Runtime* runtime) {
  const int threads = abi::field<std::int32_t>(runtime, abi::kRuntimeThreads);
  if (threads == 1 || has_known_layout(engine, runtime, threads)) return threads;
  std::fputs("patternlite: MNN's threads are not where expected: layers here run on one\n", stderr);
  return 1;
}

}  // namespace

PoolParallel::PoolParallel(const EngineHandle& engine, const abi::Runtime* runtime)
    : engine_(engine), runtime_(runtime), threads_(threads_of(engine, runtime)) {}

int PoolParallel::threads() const {
  if (threads_ == 1) return 1;
  return abi::field<std::int32_t>(runtime_, abi::kRuntimeTaskIndex) < 0 ? 1 : threads_;
}

void PoolParallel::deal(int count, const std::function<void(int)>& task) {
  const int workers = std::min(count, threads());
  if (workers <= 1) {
    for (int i = 0; i < count; ++i) task(i);
    return;
  }
  // MNN deals tasks out in advance; taking them one by one keeps slow cores from being waited for.
  std::atomic<int> next{0};
  abi::PoolTask share{[&](int) {
                        for (int i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;)
                          task(i);
                      },
                      workers};
  engine_->thread_pool_enqueue(pool_of(runtime_), &share,
                               abi::field<std::int32_t>(runtime_, abi::kRuntimeTaskIndex));
}

}  // namespace patternlite::mnn
