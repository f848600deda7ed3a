// How the engine uses threads. TFLite programs bring the engine's own pool (thread_pool.h), MNN
// sessions bring MNN's.
#pragma once

#include <atomic>
#include <exception>
#include <functional>

#include "engine/support/float_mode.h"

namespace patternlite {

class Parallel {
 public:
  virtual ~Parallel() = default;
  virtual int threads() const = 0;

  // Calls task(0) .. task(count - 1), each once, on any threads, with this thread's float mode
  // (float_mode.h). When all are done, throws what one of them threw, if any did. Not to be called
  // within a task.
  void run(int count, const std::function<void(int)>& task) {
    std::exception_ptr thrown;
    std::atomic_flag failed;
    const FloatMode mode = FloatMode::of_this_thread();
    const auto caught = [&](int i) {
      const ScopedFloatMode same(mode);
      try {
        task(i);
      } catch (...) {
        if (!failed.test_and_set()) thrown = std::current_exception();
      }
    };
    deal(count, std::ref(caught));
    if (thrown) std::rethrow_exception(thrown);
  }

 private:
  // The same for tasks that do not throw.
  virtual void deal(int count, const std::function<void(int)>& task) = 0;
};

}  // namespace patternlite
