// How the engine asks for threads. TFLite programs bring the engine's own pool (thread_pool.h), MNN
// sessions MNN's.
#pragma once

#include <functional>

namespace patternlite {

class Parallel {
 public:
  virtual ~Parallel() = default;
  virtual int threads() const = 0;
  // Calls task(0) .. task(count - 1), each once, on any threads; returns when all are done. Tasks
  // do not throw.
  virtual void run(int count, const std::function<void(int)>& task) = 0;
};

}  // namespace patternlite
