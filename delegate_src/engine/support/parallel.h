// How the engine asks for threads. TFLite programs bring the engine's own pool (thread_pool.h), MNN
// sessions MNN's.
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

  // Calls task(0) .. task(count - 1), each once, on any threads, which compute as this one does
  // (float_mode.h). When all are done, throws what one of them threw, if any did. Not from within a
  // task.
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
  // The same, of tasks that do not throw.
  virtual void deal(int count, const std::function<void(int)>& task) = 0;
};

}  // namespace patternlite
