#include "tflite/models.h"

#include <algorithm>
#include <utility>

namespace patternlite::tflite {
namespace {

constexpr std::size_t kMostModels = 64;

bool has_claims(const Model& model) {
  return std::ranges::any_of(model.reports, [](const auto& r) { return !r.second.claims.empty(); });
}

}  // namespace

std::shared_ptr<Parallel> Model::threads_for(int count) {
  std::shared_ptr<Parallel> running = pool.lock();
  if (!running || threads != count) {
    pool = running = make_thread_pool(count);
    threads = count;
  }
  return running;
}

Model& Models::of(const GraphPlace& place, bool again, int tune_budget_ms) {
  // Forgets models of which nothing was taken. Of the others without a running kernel, some have
  // been undone, to be applied anew, and some are gone: these are kept while there are few.
  const bool too_many = models_.size() >= kMostModels;
  std::erase_if(models_, [&](const auto& other) {
    return other.first != place.first && other.second.pool.expired() &&
           (too_many || !has_claims(other.second));
  });
  Model& model = models_[place.first];
  const std::uint64_t constants = hash_of_constants(*place.first);
  // Another interpreter may come to lie where one was: of another file, or of the same.
  const bool is_other_file = model.constants != constants;
  if (is_other_file || (!again && !model.reports[place.index].claims.empty())) {
    // Of the same file's graphs before this one, nothing was taken either time.
    std::erase_if(model.reports, [&](const auto& report) {
      return is_other_file || !report.second.claims.empty();
    });
    model = {.constants = constants,
             .budget = make_tune_budget(tune_budget_ms),
             .reports = std::move(model.reports)};
  }
  last_ = &model;
  return model;
}

const std::map<int, GraphReport>& Models::reports() const {
  static const std::map<int, GraphReport> none;
  return last_ ? last_->reports : none;
}

}  // namespace patternlite::tflite
