// What became of each session's layers, for reports.
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

// Of what runs here, at the session's present size.
struct PlanReport {
  std::string isa;
  int fused_additions = 0;
  int private_tensors = 0;  // between our operators, never in MNN's layout
  int conversions = 0;      // tensors turned from MNN's layout to ours or back, each inference
  std::size_t activation_bytes = 0;
  // Packed, and kept to pack again: bytes by what holds them, which clones share.
  std::map<const void*, std::size_t> weights;

  // Of weights that are not in `counted`, where they are put.
  std::size_t weight_bytes(std::set<const void*>& counted) const;
  PlanReport& operator+=(const PlanReport& other);  // of another part of the session
};

// The convolutions of one MNN backend, which is to say of one session.
class LayerLog {
 public:
  // `backend` is a name only.
  explicit LayerLog(const void* backend) : backend_(backend) {}

  // The number of the row. An adopted one of that name becomes this one: MNN makes anew what it
  // cannot clone.
  std::size_t add(LayerReport row);
  // Rows of a session that this one is a clone of, at the same places; once.
  void adopt(const LayerLog& other);
  // What the layer became at the session's present size, or that MNN runs it; output: of the
  // convolution. Nothing where a clone adopted no such row.
  void set_kernel(std::size_t row, const PackedConvolution& packed, const Shape& output);
  void set_stock(std::size_t row, const Shape& output);
  // Of a program or its packed weights, as long as that lives: MNN may give a part of the session
  // its sizes, and leave the rest as it is.
  void add_plan(std::weak_ptr<const void> program, PlanReport plan);
  // MNN has given the session its sizes, and with them its layers.
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
  // Rows, if not made anew.
  std::set<std::size_t> adopted_;
  std::vector<std::pair<std::weak_ptr<const void>, PlanReport>> plans_;  // of each program
};

}  // namespace patternlite::mnn
