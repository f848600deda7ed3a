#include "engine/support/large_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace patternlite {
namespace {

struct Block {
  unsigned char* memory;
  std::size_t bytes;
  unsigned char fill;
};

bool is_filled(const Block& block) {
  return std::all_of(block.memory, block.memory + block.bytes,
                     [&](unsigned char value) { return value == block.fill; });
}

// Takes and frees blocks of all sizes, each full of a value of its own.
void stir(LargePages& pages, unsigned seed, int turns) {
  std::mt19937 random(seed);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  std::vector<Block> blocks;
  for (int turn = 0; turn < turns; ++turn) {
    if (!blocks.empty() && below(5) < 2) {
      std::swap(blocks[below(blocks.size())], blocks.back());
      EXPECT_TRUE(is_filled(blocks.back()));
      pages.free(blocks.back().memory, blocks.back().bytes);
      blocks.pop_back();
      continue;
    }
    const std::size_t most = below(40) == 0 ? 3 * LargePages::kPage : std::size_t{1} << below(17);
    const std::size_t bytes = below(most + 1);
    auto* memory = static_cast<unsigned char*>(pages.allocate(bytes));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 64, 0u);
    blocks.push_back({memory, bytes, static_cast<unsigned char>(random())});
    std::memset(memory, blocks.back().fill, bytes);
  }
  for (const Block& block : blocks) {
    EXPECT_TRUE(is_filled(block));
    pages.free(block.memory, block.bytes);
  }
}

TEST(LargePages, BlocksLieApartAndAllGoesBackToTheSystem) {
  for (unsigned seed = 0; seed < 8; ++seed) {
    LargePages pages;
    stir(pages, seed, 1000);
    EXPECT_EQ(pages.bytes_held(), 0u);
  }
}

TEST(LargePages, ThreadsShareThem) {
  LargePages pages;
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 3; ++seed) {
    threads.emplace_back([&pages, seed] { stir(pages, seed, 500); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pages.bytes_held(), 0u);
}

TEST(LargePages, SmallBlocksShareAPage) {
  LargePages pages;
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(pages.allocate(1000));
  EXPECT_EQ(pages.bytes_held(), LargePages::kPage);
  for (void* block : blocks) pages.free(block, 1000);
  EXPECT_EQ(pages.bytes_held(), 0u);
}

// What was freed in between, in any order, is one range again.
TEST(LargePages, FreeNeighboursAreJoined) {
  const std::size_t quarter = LargePages::kPage / 4;
  const std::vector<std::vector<int>> orders{{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                             {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (const std::vector<int>& order : orders) {
    LargePages pages;
    void* blocks[3];
    for (void*& block : blocks) block = pages.allocate(quarter);
    void* last = pages.allocate(64);
    for (const int i : order) pages.free(blocks[i], quarter);
    void* all = pages.allocate(3 * quarter);
    EXPECT_EQ(all, blocks[0]);
    EXPECT_EQ(pages.bytes_held(), LargePages::kPage);
    pages.free(all, 3 * quarter);
    pages.free(last, 64);
    EXPECT_EQ(pages.bytes_held(), 0u);
  }
}

// The advice on the mapping that holds an address; nothing where the system does not tell.
std::optional<std::string> advice_on(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream mappings("/proc/self/smaps");
  bool holds = false;
  for (std::string line; std::getline(mappings, line);) {
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::istringstream range(line);
    if (range >> std::hex >> begin >> dash >> end && dash == '-') {
      holds = begin <= wanted && wanted < end;
    } else if (holds && line.starts_with("VmFlags:")) {
      return line + " ";
    }
  }
  return std::nullopt;
}

TEST(LargePages, TheSystemIsAskedForThem) {
  LargePages pages;
  void* memory = pages.allocate(LargePages::kPage);
  const auto advice = advice_on(memory);
  pages.free(memory, LargePages::kPage);
  if (!advice || !std::filesystem::exists("/sys/kernel/mm/transparent_hugepage")) {
    GTEST_SKIP() << "it has none, or does not tell";
  }
  EXPECT_NE(advice->find(" hg "), std::string::npos) << *advice;
}

TEST(LargePages, WhatIsLargerThanAPageGetsWholeOnes) {
  LargePages pages;
  const std::size_t sizes[] = {5 * LargePages::kPage / 2, 2 * LargePages::kPage};  // and a header
  for (const std::size_t bytes : sizes) {
    void* memory = pages.allocate(bytes);
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(pages.bytes_held(), 3 * LargePages::kPage);
    pages.free(memory, bytes);
    EXPECT_EQ(pages.bytes_held(), 0u);
  }
}

}  // namespace
}  // namespace patternlite
