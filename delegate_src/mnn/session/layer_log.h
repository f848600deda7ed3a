// What became of each session's layers, for reports to users.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/pack/packed_convolution.h"
#include "engine/recognise/decision.h"

namespace patternlite::mnn {

// What runs here, at the session's present size.
struct PlanReport {
  std::string isa;
  int fused_additions = 0;
  int private_tensors = 0;  // between our operators, never in MNN's layout
  int conversions = 0;      // tensors converted from MNN's layout or back, per inference
  std::size_t activation_bytes = 0;
  // Weights, packed or kept for packing again: bytes by their holder, which clones share.
  std::map<const void*, std::size_t> weights;

  // Bytes of the weights that are not yet in `counted`; adds them to it.
  std::size_t weight_bytes(std::set<const void*>& counted) const;
  PlanReport& operator+=(const PlanReport& other);  // of another part of the session
};

// The convolutions of one MNN backend, and so of one session.
class LayerLog {
 public:
  // `backend` is only a name.
  explicit LayerLog(const void* backend) : backend_(backend) {}

  // Adds a row and returns its number. An adopted row of the same name is replaced, since MNN makes
  // anew what it cannot clone.
  std::size_t add(LayerReport row);
  // Takes over the rows of the session of which this one is a clone, in the same places; once.
  void adopt(const LayerLog& other);
  // Records what the layer became at the session's present size, or that MNN runs it; output: that
  // of the convolution. Does nothing if a clone adopted no such row.
  void set_kernel(std::size_t row, const PackedConvolution& packed, const Shape& output);
  void set_stock(std::size_t row, const Shape& output);
  // Adds the report of a program, which counts as long as that, or its packed weights, exist: MNN
  // may resize a part of the session and leave the rest as it is.
  void add_plan(std::weak_ptr<const void> program, PlanReport plan);
  // To be called when MNN has given the session its sizes, and with them its layers.
  void set_resized() { resized_ = true; }
  bool is_resized() const { return resized_; }
  std::vector<LayerReport> rows() const;
  PlanReport plan() const;  // of all programs
  const void* backend() const { return backend_; }

 private:
  void set(std::size_t row, std::string kernel, std::size_t weight_bytes, const Shape& output);

  const void* const backend_;
  std::atomic<bool> resized_ = false;
  mutable std::mutex mutex_;
  std::vector<LayerReport> rows_;
  // Adopted rows that have not been replaced.
  std::set<std::size_t> adopted_;
  std::vector<std::pair<std::weak_ptr<const void>, PlanReport>> plans_;  // of each program
};

}  // namespace patternlite::mnn
