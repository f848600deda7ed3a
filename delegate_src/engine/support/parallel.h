// How the engine asks for threads. TFLite programs bring the engine's own pool (thread_pool.h), MNN
// sessions MNN's.
#pragma once

#include <exception>
#include <functional>
#include <vector>

namespace patternlite {

class Parallel {
 public:
  virtual ~Parallel() = default;
  virtual int threads() const = 0;
  // Calls task(0) .. task(count - 1), each once, on any threads; returns when all are done. Tasks
  // do not throw.
  virtual void run(int count, const std::function<void(int)>& task) = 0;
};

// The same for tasks that may throw: when all are done, throws what the first of them threw.
template <typename Task>
void run_throwing(Parallel& parallel, int count, const Task& task) {
  std::vector<std::exception_ptr> thrown(count);
  parallel.run(count, [&](int i) {
    try {
      task(i);
    } catch (...) {
      thrown[i] = std::current_exception();
    }
  });
  for (const std::exception_ptr& error : thrown) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace patternlite
