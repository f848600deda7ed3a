// The engine's threads: every task once, no work when there is none, several callers.
#include "engine/support/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace patternlite::test {
namespace {

// Calls body() on each of the pool's threads.
void on_each_thread(Parallel& pool, const std::function<void()>& body) {
  std::atomic<int> begun = 0;
  pool.run(pool.threads(), [&](int) {
    for (++begun; begun < pool.threads();) std::this_thread::yield();
    body();
  });
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

TEST(ThreadPool, EveryTaskOnce) {
  for (int threads : {1, 2, 5}) {
    auto pool = make_thread_pool(threads);
    EXPECT_EQ(pool->threads(), threads);
    for (int round = 0; round < 2000; ++round) {
      const int count = round % 13;
      std::vector<std::atomic<int>> calls(count);
      pool->run(count, [&](int task) { ++calls[task]; });
      for (const auto& call : calls) ASSERT_EQ(call, 1);
    }
  }
}

TEST(ThreadPool, MoreTasksThanAWordCounts) {
  constexpr int kCount = (1 << 20) + 3;
  const auto pool = make_thread_pool(2);
  std::atomic<int> calls = 0;
  pool->run(kCount, [&](int) { ++calls; });
  EXPECT_EQ(calls, kCount);
}

TEST(ThreadPool, WakesFromSleep) {
  auto pool = make_thread_pool(3);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> calls = 0;
    pool->run(7, [&](int) { ++calls; });
    EXPECT_EQ(calls, 7);
  }
}

TEST(ThreadPool, ServesSeveralCallersAtOnce) {
  auto pool = make_thread_pool(2);
  std::atomic<int> calls = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        std::atomic<int> own = 0;
        pool->run(3, [&](int) {
          std::this_thread::sleep_for(std::chrono::microseconds(20));  // others come meanwhile
          ++own;
          ++calls;
        });
        ASSERT_EQ(own, 3);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(calls, 4 * 500 * 3);
}

cpu_set_t cores_of_this_thread() {
  cpu_set_t cores;
  EXPECT_EQ(sched_getaffinity(0, sizeof cores, &cores), 0);
  return cores;
}

// Of a pool of two threads.
bool worker_leaves_the_callers_core(Parallel& pool) {
  const std::thread::id caller = std::this_thread::get_id();
  int before = 0, after = 1;
  bool left = false;
  while (before != after) {  // has the caller moved meanwhile?
    before = sched_getcpu();
    on_each_thread(pool, [&] {
      if (std::this_thread::get_id() == caller) return;
      const cpu_set_t cores = cores_of_this_thread();
      left = !CPU_ISSET(before, &cores);
    });
    after = sched_getcpu();
  }
  return left;
}

// One that was woken there would wait for the caller.
TEST(ThreadPool, AWorkerLeavesTheCallersCore) {
  if (const cpu_set_t cores = cores_of_this_thread(); CPU_COUNT(&cores) < 2) GTEST_SKIP();
  EXPECT_TRUE(worker_leaves_the_callers_core(*make_thread_pool(2)));
}

#if !defined(__SANITIZE_THREAD__)  // which wants no new threads in forked processes

// Returns whether the function does in a child. It is killed if it hangs.
bool holds_in_a_fork(const std::function<bool()>& function) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(function() ? 0 : 1);
  }
  int status = -1;
  return waitpid(child, &status, 0) == child && status == 0;
}

TEST(ThreadPool, AForkedCallerKeepsItsCores) {
  auto pool = make_thread_pool(2);
  const cpu_set_t before = cores_of_this_thread();
  EXPECT_TRUE(holds_in_a_fork([&] {
    pool->run(2, [](int) {});
    const cpu_set_t after = cores_of_this_thread();
    return CPU_EQUAL(&before, &after) != 0;
  }));
}

TEST(ThreadPool, AForkedProcessHasWorkersOfItsOwn) {
  const auto pool = make_thread_pool(3);
  pool->run(9, [](int) {});
  EXPECT_TRUE(holds_in_a_fork([&] {
    for (int round = 0; round < 5; ++round) on_each_thread(*pool, [] {});
    return true;
  }));
  pool->run(9, [](int) {});
}

// Also where the child begins on the core that the parent left to its caller.
TEST(ThreadPool, AForkedProcessKeepsItsWorkersOffTheCallersCore) {
  const cpu_set_t all = cores_of_this_thread();
  if (CPU_COUNT(&all) < 2) GTEST_SKIP();
  const auto pool = make_thread_pool(2);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  const auto stay_there = [&] { EXPECT_EQ(sched_setaffinity(0, sizeof one, &one), 0); };
  const auto go_anywhere = [&] { EXPECT_EQ(sched_setaffinity(0, sizeof all, &all), 0); };
  stay_there();
  on_each_thread(*pool, [] {});  // a thread that still begins may hold a sanitizer's locks
  EXPECT_TRUE(holds_in_a_fork([&] {
    go_anywhere();
    return worker_leaves_the_callers_core(*pool);
  }));
  go_anywhere();
}

TEST(ThreadPool, AProcessThatForksKeepsItsWorkers) {
  const auto pool = make_thread_pool(2);
  const auto worker = [&] {
    std::thread::id id;
    on_each_thread(*pool, [&, caller = std::this_thread::get_id()] {
      if (std::this_thread::get_id() != caller) id = std::this_thread::get_id();
    });
    return id;
  };
  const std::thread::id before = worker();
  EXPECT_TRUE(holds_in_a_fork([] { return true; }));
  EXPECT_EQ(worker(), before);
}

// Where another thread may have the memory, and so the name, of a worker that is not there.
TEST(ThreadPool, IsDestroyedInAForkedProcess) {
  for (const bool used : {false, true}) {
    auto pool = make_thread_pool(3);
    EXPECT_TRUE(holds_in_a_fork([&] {
      std::atomic<bool> stop = false;
      std::vector<std::thread> others;
      for (int i = 0; i < 3; ++i) others.emplace_back([&] { stop.wait(false); });
      if (used) pool->run(9, [](int) {});
      pool.reset();
      stop = true;
      stop.notify_all();
      for (std::thread& other : others) other.join();
      return true;
    }));
  }
}

#endif

// Each on a pool of its own, as interpreters have it: more threads than cores.
TEST(ThreadPool, ManyPoolsAtOnce) {
  std::atomic<int> calls = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      const auto pool = make_thread_pool(3);
      for (int round = 0; round < 200; ++round) pool->run(5, [&](int) { ++calls; });
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(calls, 4 * 200 * 5);
}

TEST(ThreadPool, AsleepItTakesNoTime) {
  const auto pool = make_thread_pool(4);
  pool->run(100, [](int) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_LT(cpu_seconds() - before, 0.02);
}

TEST(ThreadPool, ThrowsWhatAWorkerThrew) {
  const auto pool = make_thread_pool(2);
  const std::thread::id caller = std::this_thread::get_id();
  for (int round = 0; round < 20; ++round) {
    const auto worker_throws = [&] {
      if (std::this_thread::get_id() != caller) throw std::runtime_error("worker");
    };
    EXPECT_THROW(on_each_thread(*pool, worker_throws), std::runtime_error);
  }
}

TEST(ThreadPool, FinishesAllAndThrowsWhatOneThrew) {
  for (int threads : {1, 3}) {
    const auto pool = make_thread_pool(threads);
    std::atomic<int> calls = 0;
    try {
      pool->run(10, [&](int task) {
        ++calls;
        if (task % 2 == 1) throw std::runtime_error(std::to_string(task));
      });
      FAIL();
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(std::stoi(error.what()) % 2, 1);
    }
    EXPECT_EQ(calls, 10);
    pool->run(10, [&](int) { ++calls; });
    EXPECT_EQ(calls, 20);
  }
}

// Exits with 0 if a pool works although there is no memory for the stacks of all its threads.
[[noreturn]] void exit_with_few_threads() {
  std::ifstream pages("/proc/self/statm");
  rlim_t now = 0;
  pages >> now;
  now = now * sysconf(_SC_PAGESIZE) + (20 << 20);
  const rlimit limit{now, now};
  setrlimit(RLIMIT_AS, &limit);
  const auto pool = make_thread_pool(64);
  std::atomic<int> calls = 0;
  pool->run(100, [&](int) { ++calls; });
  std::_Exit(calls == 100 && pool->threads() < 64 ? 0 : 1);
}

TEST(ThreadPoolDeathTest, DoesWithTheThreadsTheSystemGrants) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory would not fit, either";
#endif
  EXPECT_EXIT(exit_with_few_threads(), testing::ExitedWithCode(0), "");
}

// Each waits for the other to have begun: a worker that sleeps has to be woken, and waited for.
TEST(ThreadPool, TasksRunAtTheSameTimeAndAreWaitedFor) {
  const auto pool = make_thread_pool(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the worker sleeps
    std::atomic<int> begun = 0, met = 0, ended = 0;
    const auto caller = std::this_thread::get_id();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    pool->run(2, [&](int) {
      ++begun;
      while (begun < 2 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
      met += begun == 2;
      if (std::this_thread::get_id() != caller)
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
      ++ended;
    });
    ASSERT_EQ(ended, 2) << "not waited for";
    ASSERT_EQ(met, 2) << "one thread ran both";
  }
}

}  // namespace
}  // namespace patternlite::test
