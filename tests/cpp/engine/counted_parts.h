// Threads that are counted, not run.
#pragma once

#include <functional>

#include "engine/support/parallel.h"

namespace patternlite::test {

// Has so many threads, and counts what they are given.
class CountedParts final : public Parallel {
 public:
  explicit CountedParts(int threads) : threads_(threads) {}
  int threads() const override { return threads_; }
  int count = 0;

 private:
  void deal(int parts, const std::function<void(int)>& task) override {
    count += parts;
    for (int part = 0; part < parts; ++part) task(part);
  }
  int threads_;
};

}  // namespace patternlite::test
