#include "engine/support/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/support/caller_core.h"
#include "engine/support/forks.h"

namespace patternlite {
namespace {

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#endif
}

using Clock = std::chrono::steady_clock;

// Longer than the gap between two layers, shorter than a user would notice.
constexpr std::chrono::microseconds kSpinning{50};
constexpr int kSpins = 32;  // between two reads of the clock, since a pause is short on some CPUs

// The state of the running job in one word, so that claiming a task also checks that the job is
// still the same one: | generation : 24 | count : 20 | next : 20 |.
struct Ticket {
  static constexpr int kBits = 20;
  static constexpr std::uint64_t kMask = (1u << kBits) - 1;
  static std::uint64_t make(std::uint64_t generation, std::uint64_t count) {
    return generation << (2 * kBits) | count << kBits;
  }
  static std::uint64_t generation(std::uint64_t ticket) { return ticket >> (2 * kBits); }
  static std::uint64_t count(std::uint64_t ticket) { return ticket >> kBits & kMask; }
  static std::uint64_t next(std::uint64_t ticket) { return ticket & kMask; }
};

class ThreadPool final : public Parallel {
 public:
  explicit ThreadPool(int threads) {
    start(threads - 1);
    threads_ = static_cast<int>(workers_->size()) + 1;
  }

  ~ThreadPool() override {
    if (forks_ != forks()) {
      forget_workers();
      return;
    }
    stopping_ = true;
    wake();
    for (std::thread& worker : *workers_) worker.join();
  }

  int threads() const override { return threads_; }

  void deal(int count, const std::function<void(int)>& task) override {
    std::unique_lock lock(busy_, std::try_to_lock);
    if (count <= 1 || threads_ == 1 || !lock.owns_lock() ||
        count > static_cast<int>(Ticket::kMask)) {
      for (int i = 0; i < count; ++i) task(i);
      return;
    }
    if (forks_ != forks()) {
      forget_workers();
      start(threads_ - 1);
    }
    caller_core_.leave(*workers_);
    task_ = &task;
    finished_.store(0, std::memory_order_relaxed);
    ticket_.store(Ticket::make(Ticket::generation(ticket_.load()) + 1, count));
    wake();
    claim_tasks();
    while (finished_.load(std::memory_order_acquire) != count) pause();
  }

 private:
  using Threads = std::vector<std::thread>;

  void start(int workers) {
    workers_ = std::make_unique<Threads>();
    forks_ = forks();
    caller_core_ = {};
    try {
      workers_->reserve(workers);
      for (int i = 0; i < workers; ++i) workers_->emplace_back([this] { work(); });
    } catch (const std::exception&) {  // the system grants no more threads: go on with these
    }
  }

  // In a forked process the workers do not exist, and their handles may refer to other threads by
  // now: they are left alone, where nobody uses them.
  void forget_workers() {
    static_cast<void>(workers_.release());
    sleepers_ = 0;
  }

  // seq_cst orders the new ticket before the read of sleepers_, and a worker's write of sleepers_
  // before its last read of the epoch: one of the two sees the other.
  void wake() {
    epoch_.fetch_add(1);
    if (sleepers_.load() > 0) epoch_.notify_all();
  }

  void claim_tasks() {
    std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
    while (Ticket::next(ticket) < Ticket::count(ticket)) {
      if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel)) continue;
      // The claimed task is unfinished, so the job cannot end and task_ stays.
      (*task_)(static_cast<int>(Ticket::next(ticket)));
      finished_.fetch_add(1, std::memory_order_release);
      ticket = ticket_.load(std::memory_order_acquire);
    }
  }

  void work() {
    std::uint32_t seen = 0;
    while (true) {
      const auto until = Clock::now() + kSpinning;
      for (int spins = 1; epoch_.load() == seen; ++spins) {
        pause();
        if (spins % kSpins == 0 && Clock::now() > until) break;
      }
      if (epoch_.load() == seen) {
        ++sleepers_;
        epoch_.wait(seen);
        --sleepers_;
      }
      seen = epoch_.load();
      if (stopping_) return;
      claim_tasks();
    }
  }

  std::mutex busy_;
  int threads_ = 1;
  std::unique_ptr<Threads> workers_;
  unsigned forks_ = 0;  // when they were started
  CallerCore caller_core_;
  const std::function<void(int)>* task_ = nullptr;
  alignas(64) std::atomic<std::uint64_t> ticket_{0};
  alignas(64) std::atomic<int> finished_{0};
  alignas(64) std::atomic<std::uint32_t> epoch_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stopping_{false};
};

}  // namespace

std::shared_ptr<Parallel> make_thread_pool(int threads) {
  return std::make_shared<ThreadPool>(std::max(threads, 1));
}

}  // namespace patternlite
