// The heap that all of the engine shares. What it does with its memory: large_pages_test.cc.
#include "engine/support/aligned.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace patternlite::test {
namespace {

void allocate_and_free(std::size_t bytes) { free_aligned(allocate_aligned(bytes), bytes); }

TEST(Aligned, AProcessForkedWhileAThreadAllocatesCanAllocate) {
  std::atomic<bool> stop = false;
  std::thread other([&] {
    while (!stop) allocate_and_free(100000);
  });
  for (int i = 0, status = 0; i < 200 && status == 0; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(10);  // kills what hangs
      allocate_and_free(1000);
      _exit(0);
    }
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "fork " << i;
  }
  stop = true;
  other.join();
}

}  // namespace
}  // namespace patternlite::test
