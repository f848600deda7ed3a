// Time that planners may spend on trying candidates. It is shared: all that compiles for one user's
// model takes from one budget, and when that is spent, the cost model decides alone. Thread-safe.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>

namespace patternlite {

// For a model with all its graphs and sizes, or a session, unless its user says otherwise.
inline constexpr int kTuneBudgetMs = 200;

class TuneBudget {
 public:
  explicit TuneBudget(double seconds) : whole_(seconds), left_(seconds) {}

  // Seconds, before anything was taken.
  double whole() const { return whole_; }

  // A part of what is left.
  double take(double share) {
    const std::lock_guard lock(mutex_);
    const double taken = std::max(left_, 0.0) * share;
    left_ -= taken;
    return taken;
  }
  // What of it was not used; below zero where that was more, which others then have less.
  void give_back(double seconds) {
    const std::lock_guard lock(mutex_);
    left_ += seconds;
  }

 private:
  std::mutex mutex_;
  const double whole_;
  double left_;
};

// A share of what is left of a budget: what was not used goes back at the end, also where planning
// fails. Of none, null, it is no time.
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

// Null for none: then nothing is tried or remembered, and results repeat.
inline std::shared_ptr<TuneBudget> make_tune_budget(int milliseconds) {
  return milliseconds > 0 ? std::make_shared<TuneBudget>(milliseconds * 1e-3) : nullptr;
}

}  // namespace patternlite
