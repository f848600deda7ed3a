// The time that planners may spend on trying candidates. Everything that is compiled for one user's
// model shares one budget; when that is spent, the cost model decides alone. Thread-safe.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>

namespace patternlite {

// The default for a model, with all its graphs and sizes, or for a session.
inline constexpr int kTuneBudgetMs = 200;

class TuneBudget {
 public:
  explicit TuneBudget(double seconds) : whole_(seconds), left_(seconds) {}

  // Seconds at the beginning.
  double whole() const { return whole_; }

  // Takes a part of what is left.
  double take(double share) {
    const std::lock_guard lock(mutex_);
    const double taken = std::max(left_, 0.0) * share;
    left_ -= taken;
    return taken;
  }
  // Gives back what was not used of it; negative if more was used, which others then lack.
  void give_back(double seconds) {
    const std::lock_guard lock(mutex_);
    left_ += seconds;
  }

 private:
  std::mutex mutex_;
  const double whole_;
  double left_;
};

// A share of what is left of a budget. What was not used goes back at the end of its scope, also if
// planning fails. Without a budget (null) it is no time.
class BudgetShare {
 public:
  BudgetShare(TuneBudget* budget, double share)
      : budget_(budget), seconds_(budget ? budget->take(share) : 0) {}
  ~BudgetShare() {
    if (budget_) budget_->give_back(seconds_ - used_);
  }
  BudgetShare(const BudgetShare&) = delete;
  BudgetShare& operator=(const BudgetShare&) = delete;

  double seconds() const { return seconds_; }
  void use(double seconds) { used_ += seconds; }

 private:
  TuneBudget* const budget_;
  const double seconds_;
  double used_ = 0;
};

// Null for 0 ms: then nothing is tried or remembered, and results are repeatable.
inline std::shared_ptr<TuneBudget> make_tune_budget(int milliseconds) {
  return milliseconds > 0 ? std::make_shared<TuneBudget>(milliseconds * 1e-3) : nullptr;
}

}  // namespace patternlite
