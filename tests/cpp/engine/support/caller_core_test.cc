// Which cores workers may use, wherever their caller goes.
#include "engine/support/caller_core.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <thread>
#include <vector>

namespace patternlite::test {
namespace {

cpu_set_t cores_of(pthread_t thread) {
  cpu_set_t cores;
  EXPECT_EQ(pthread_getaffinity_np(thread, sizeof cores, &cores), 0);
  return cores;
}

void pin_this_thread(const cpu_set_t& cores) {
  ASSERT_EQ(pthread_setaffinity_np(pthread_self(), sizeof cores, &cores), 0);
}

std::vector<int> list(const cpu_set_t& cores) {
  std::vector<int> all;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &cores)) all.push_back(core);
  }
  return all;
}

cpu_set_t only(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  return cores;
}

// Threads that do nothing, made by this one, which gets its cores back in the end.
class CallerCoreTest : public testing::Test {
 protected:
  ~CallerCoreTest() override {
    stop_ = true;
    stop_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    pin_this_thread(before_);
  }

  void make_workers(int count) {
    while (count-- > 0) workers_.emplace_back([this] { stop_.wait(false); });
  }

  void expect_cores(const std::vector<int>& cores) {
    for (std::thread& worker : workers_) {
      EXPECT_EQ(list(cores_of(worker.native_handle())), cores);
    }
  }

  const cpu_set_t before_ = cores_of(pthread_self());
  const std::vector<int> all_ = list(before_);
  std::vector<std::thread> workers_;
  std::atomic<bool> stop_ = false;
};

// Also where it is pinned there after they were made.
TEST_F(CallerCoreTest, TheyLeaveEachCoreThatTheCallerMovesTo) {
  CallerCore caller;
  make_workers(static_cast<int>(all_.size()) - 1);
  for (int turn = 0; turn < 2; ++turn) {
    for (const int core : all_) {
      pin_this_thread(only(core));
      caller.leave(workers_);
      std::vector<int> others = all_;
      std::erase(others, core);
      expect_cores(others);
    }
  }
}

// The system is not asked to move them on the way to every layer.
TEST_F(CallerCoreTest, TheyAreLeftAloneWhereTheCallerStays) {
  CallerCore caller;
  make_workers(1);
  pin_this_thread(only(all_.front()));
  caller.leave(workers_);
  pthread_setaffinity_np(workers_[0].native_handle(), sizeof before_, &before_);
  caller.leave(workers_);
  expect_cores(all_);
}

TEST_F(CallerCoreTest, AsManyAsThereAreCoresKeepThemAll) {
  CallerCore caller;
  make_workers(static_cast<int>(all_.size()));
  for (const int core : all_) {
    pin_this_thread(only(core));
    caller.leave(workers_);
    expect_cores(all_);
  }
}

TEST_F(CallerCoreTest, TheyGetNoCoreThatTheyWereNotMadeFor) {
  const std::vector<int> first = {all_.front()};
  pin_this_thread(only(all_.front()));
  CallerCore caller;
  make_workers(1);
  for (const int core : {all_.front(), all_.back()}) {
    pin_this_thread(only(core));
    caller.leave(workers_);
    expect_cores(first);
  }
}

}  // namespace
}  // namespace patternlite::test
