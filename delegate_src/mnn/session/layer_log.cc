#include "mnn/session/layer_log.h"

#include <algorithm>
#include <utility>

namespace patternlite::mnn {

std::size_t PlanReport::weight_bytes(std::set<const void*>& counted) const {
  std::size_t sum = 0;
  for (const auto& [holder, bytes] : weights) {
    if (counted.insert(holder).second) sum += bytes;
  }
  return sum;
}

PlanReport& PlanReport::operator+=(const PlanReport& other) {
  if (isa.empty()) isa = other.isa;
  fused_additions += other.fused_additions;
  private_tensors += other.private_tensors;
  conversions += other.conversions;
  activation_bytes += other.activation_bytes;
  weights.insert(other.weights.begin(), other.weights.end());
  return *this;
}

std::size_t LayerLog::add(LayerReport row) {
  const std::lock_guard lock(mutex_);
  const auto known = std::find_if(adopted_.begin(), adopted_.end(),
                                  [&](std::size_t i) { return rows_[i].name == row.name; });
  if (known != adopted_.end()) {
    const std::size_t i = *known;
    adopted_.erase(known);
    rows_[i] = std::move(row);
    return i;
  }
  rows_.push_back(std::move(row));
  return rows_.size() - 1;
}

void LayerLog::adopt(const LayerLog& other) {
  auto rows = other.rows();
  const std::lock_guard lock(mutex_);
  if (!rows_.empty()) return;
  rows_ = std::move(rows);
  for (std::size_t i = 0; i < rows_.size(); ++i) adopted_.insert(i);
}

void LayerLog::set_kernel(std::size_t row, const PackedConvolution& packed, const Shape& output) {
  set(row, packed.kernel_name(), packed.weight_bytes(), output);
}

void LayerLog::set_stock(std::size_t row, const Shape& output) { set(row, "stock", 0, output); }

void LayerLog::set(std::size_t row, std::string kernel, std::size_t weight_bytes,
                   const Shape& output) {
  const std::lock_guard lock(mutex_);
  if (row >= rows_.size()) return;
  LayerReport& layer = rows_[row];
  layer.kernel = std::move(kernel);
  layer.weight_bytes = weight_bytes;
  const double growth = static_cast<double>(output.height) * output.width /
                        (static_cast<double>(layer.height) * layer.width);
  layer.height = output.height;
  layer.width = output.width;
  layer.dense_macs *= growth;
  layer.kept_macs *= growth;
}

void LayerLog::add_plan(std::weak_ptr<const void> program, PlanReport plan) {
  const std::lock_guard lock(mutex_);
  std::erase_if(plans_, [](const auto& known) { return known.first.expired(); });
  plans_.emplace_back(std::move(program), std::move(plan));
}

PlanReport LayerLog::plan() const {
  const std::lock_guard lock(mutex_);
  PlanReport all;
  for (const auto& [program, plan] : plans_) {
    if (!program.expired()) all += plan;
  }
  return all;
}

std::vector<LayerReport> LayerLog::rows() const {
  const std::lock_guard lock(mutex_);
  return rows_;
}

}  // namespace patternlite::mnn
