// What became of each session's convolutions, for reports.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/recognise/decision.h"

namespace patternlite::mnn {

// The convolutions of one MNN backend, which is to say of one session.
class LayerLog {
 public:
  // Logs are numbered in the order of their creation and remember the thread that created them.
  static std::shared_ptr<LayerLog> open();
  // Those whose sessions exist, oldest first.
  static std::vector<std::shared_ptr<LayerLog>> all();

  std::size_t add(LayerReport row);
  // Rows of a session that this one is a clone of, at the same places; once.
  void adopt(const LayerLog& other);
  void set_kernel(std::size_t row, std::string kernel);
  std::vector<LayerReport> rows() const;
  std::int64_t number() const { return number_; }
  std::int64_t thread() const { return thread_; }  // the operating system's thread id

 private:
  LayerLog(std::int64_t number, std::int64_t thread) : number_(number), thread_(thread) {}

  const std::int64_t number_, thread_;
  mutable std::mutex mutex_;
  std::vector<LayerReport> rows_;
};

}  // namespace patternlite::mnn
