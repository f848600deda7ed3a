// How kernels are chosen: candidates, the contest among them, what is remembered and kept on disk.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "engine/one_convolution.h"
#include "engine/plan/candidates.h"
#include "engine/plan/choice_file.h"
#include "engine/plan/layer_key.h"
#include "engine/support/build.h"
#include "engine/support/fastest.h"
#include "engine/support/isa.h"
#include "engine/temporary_directory.h"

namespace patternlite::test {
namespace {

// A stopwatch that knows what each way takes.
class Ways {
 public:
  explicit Ways(std::vector<double> seconds)
      : seconds_(std::move(seconds)), runs(seconds_.size()) {}
  int fastest_within(double budget) {
    return fastest(static_cast<int>(seconds_.size()), budget, [this](int way) {
      ++runs[way];
      spent += seconds_[way];
      return seconds_[way];
    });
  }

 private:
  std::vector<double> seconds_;

 public:
  std::vector<int> runs;
  double spent = 0;
};

TEST(Fastest, IsTheOneThatTakesLeast) {
  EXPECT_EQ(Ways({3, 2, 1}).fastest_within(1000), 2);
  EXPECT_EQ(Ways({3, 1, 2}).fastest_within(1000), 1);
  EXPECT_EQ(Ways({1, 2, 3}).fastest_within(1000), 0);
  EXPECT_EQ(Ways({1}).fastest_within(1000), 0);
}

TEST(Fastest, KeepsTheFirstInDoubt) {
  EXPECT_EQ(Ways({1.00, 0.99}).fastest_within(1000), 0);
  EXPECT_EQ(Ways({1.00, 0.95}).fastest_within(1000), 1);
  EXPECT_EQ(Ways({1.00, 0.95}).fastest_within(4), 0) << "after two rounds";
  EXPECT_EQ(Ways({1.00, 0.90}).fastest_within(4), 1);
  EXPECT_EQ(Ways({1.00, 0.90}).fastest_within(2), 0) << "after one round";
  EXPECT_EQ(Ways({1.00, 0.80}).fastest_within(2), 1);
  EXPECT_EQ(Ways({2, 1}).fastest_within(0), 0);
  EXPECT_EQ(Ways({2, 1}).fastest_within(3.9), 0) << "the second was expected not to fit";
  EXPECT_EQ(Ways({2, 1}).fastest_within(4), 1);
}

TEST(Fastest, SpendsNoMoreThanItMay) {
  for (const double budget : {0.0, 1.0, 5.0, 20.0}) {
    Ways ways({1.0, 1.1, 0.9});
    ways.fastest_within(budget);
    // A way's first run cannot be foreseen.
    EXPECT_LE(ways.spent, std::max(budget, 1.0) + 0.1) << budget;
  }
}

TEST(Fastest, DoesNotRunTheHopelessToTheEnd) {
  Ways ways({1, 3, 1.1});
  ways.fastest_within(1000);
  EXPECT_EQ(ways.runs[1], 2);
  EXPECT_GT(ways.runs[2], 4);
}

// One slow run, as when the machine does something else, does not count.
TEST(Fastest, IsNotMisledByOneSlowRun) {
  int call = 0;
  const auto run = [&](int way) { return ++call == 2 ? 100.0 : way == 1 ? 1.0 : 2.0; };
  EXPECT_EQ(fastest(2, 1000, run), 1);
}

TEST(Candidates, AreWithinReachOfTheBestAndCheapestFirst) {
  for (const int stride : {1, 2}) {
    for (const int shared : {1, 2, 4, 16}) {
      const OneConvolution c(64, 32, 3, {.kernels_kept = 0.4, .taps = 4, .shared = shared}, 14,
                             stride);
      const Shape output = c.graph.tensors[1];
      const Analysis analysis(c.conv, c.graph.tensors[0], output);
      const CostModel model(c.conv.window, {c.graph.tensors[0], 1}, {output, 1}, best_kernels());
      const auto all = candidates(analysis, model, 1e9);
      ASSERT_FALSE(all.empty());
      int running = 0;
      for (const ConvKernelTraits& traits : kConvKernels) running += model.runs(traits.kernel);
      EXPECT_EQ(static_cast<int>(all.size()), running);
      for (const double within : {1.0, 1.3, 2.0}) {
        const auto some = candidates(analysis, model, within);
        std::size_t expected = 0;
        while (expected < all.size() && all[expected].cost <= within * all[0].cost) ++expected;
        ASSERT_EQ(some.size(), expected);
        for (std::size_t i = 0; i < expected; ++i) {
          EXPECT_EQ(some[i].choice.kernel, all[i].choice.kernel);
          EXPECT_EQ(candidate_of(some[i].choice.kernel, analysis, model).cost, some[i].cost);
        }
      }
    }
  }
}

TEST(ConvKernels, NamesAreUniqueAndFound) {
  for (const ConvKernelTraits& traits : kConvKernels) {
    EXPECT_EQ(kernel_named(traits.name), traits.kernel);
    EXPECT_EQ(traits_of(traits.kernel).name, traits.name);
  }
  EXPECT_EQ(kernel_named("os-g3"), std::nullopt);
  EXPECT_EQ(kernel_named(""), std::nullopt);
}

std::uint64_t key_of(const OneConvolution& c, const std::string& machine = "here", int border = 1) {
  const PlanarConvolution conv{c.conv, {c.graph.tensors[0], border}, {c.graph.tensors[1], border}};
  return layer_key(machine, conv, c.taps());
}

TEST(LayerKey, TellsApartWhatTakesAnotherTime) {
  const Pruning pruning{.kernels_kept = 0.5, .taps = 4};
  const std::uint64_t key = key_of({16, 16, 3, pruning});
  EXPECT_EQ(key_of({16, 16, 3, pruning}), key);
  EXPECT_NE(key_of({16, 16, 3, pruning, 15}), key);
  EXPECT_NE(key_of({16, 16, 3, pruning, 14, 2}), key);
  EXPECT_NE(key_of({16, 16, 3, pruning, 14, 1, 8}), key) << "other weights are zero";
  EXPECT_NE(key_of({16, 16, 3, pruning}, "there"), key);
  EXPECT_NE(key_of({16, 16, 3, pruning}, "here", 2), key);

  OneConvolution same(16, 16, 3, pruning);
  auto* weights = const_cast<float*>(same.conv.weights.data);
  for (int i = 0; i < 16 * 16 * 9; ++i) weights[i] *= 2;
  same.conv.bias = nullptr;
  same.conv.activation = Activation::kRelu6;
  EXPECT_EQ(key_of(same), key);
}

constexpr const char* kMachine = "patternlite 0, some isa, 2 threads, Some CPU";
const ChosenKernels kSome = {{1, ConvKernel::kOs2}, {0xfedcba9876543210, ConvKernel::kIs}};

std::string slurp(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void spill(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

class ChoiceFileTest : public testing::Test {
 protected:
  std::string error() const {
    try {
      read_choices(path, kMachine);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }
  TemporaryDirectory directory;
  std::string path = choice_file(directory.path(), kSome);
};

TEST_F(ChoiceFileTest, KeepsWhatIsWritten) {
  EXPECT_EQ(read_choices(path, kMachine), std::nullopt);
  write_choices(path, kMachine, kSome);
  EXPECT_EQ(read_choices(path, kMachine), kSome);
  write_choices(path, kMachine, {{1, ConvKernel::kBc16}});
  EXPECT_EQ(read_choices(path, kMachine), (ChosenKernels{{1, ConvKernel::kBc16}}));
  EXPECT_EQ(directory.files().size(), 1u) << "nothing is left beside it";
}

TEST_F(ChoiceFileTest, IsNamedAfterTheLayers) {
  EXPECT_EQ(choice_file(directory.path(), {{1, ConvKernel::kIs}}),
            choice_file(directory.path(), {{1, ConvKernel::kOs1}}));
  EXPECT_NE(choice_file(directory.path(), {{1, ConvKernel::kIs}}),
            choice_file(directory.path(), {{2, ConvKernel::kIs}}));
}

TEST_F(ChoiceFileTest, CutShortOrChangedAnywhereItIsRefused) {
  write_choices(path, kMachine, kSome);
  const std::string whole = slurp(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    spill(path, whole.substr(0, size));
    EXPECT_NE(error(), "") << size;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char other : {'0', 'x', ' ', '\n', '\0', '\xff'}) {
      std::string changed = whole;
      if (changed[at] == other) continue;
      changed[at] = other;
      spill(path, changed);
      EXPECT_NE(error(), "") << at;
    }
  }
  spill(path, whole + whole);
  EXPECT_NE(error(), "");
  spill(path, whole);
  EXPECT_EQ(error(), "");
}

TEST_F(ChoiceFileTest, OfAnotherMachineItIsRefused) {
  write_choices(path, "another", kSome);
  EXPECT_EQ(error(), "it was written for another machine or version");
}

TEST_F(ChoiceFileTest, WhatIsNoFileOrTooLargeIsRefused) {
  std::filesystem::create_directory(path);
  EXPECT_EQ(error(), "it is no file");
  EXPECT_THROW(write_choices(path, kMachine, kSome), std::runtime_error);
  EXPECT_EQ(directory.files().size(), 1u);
  std::filesystem::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(error(), "it is no file");
  std::filesystem::remove(path);
  spill(path, std::string(2 << 20, 'x'));
  EXPECT_EQ(error(), "it is damaged");
}

TEST_F(ChoiceFileTest, ADirectoryThatIsNotThereCannotBeWritten) {
  try {
    write_choices(directory.path() + "/none/file", kMachine, kSome);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "No such file or directory");
  }
}

TEST(ChoiceMemory, ForgetsRatherThanGrowsWithoutEnd) {
  forget_choices();
  EXPECT_EQ(recall_choice(1), std::nullopt);
  for (std::uint64_t key = 0; key < 100'000; ++key) remember_choices({{key, ConvKernel::kIs}});
  EXPECT_EQ(recall_choice(1), std::nullopt);
  EXPECT_EQ(recall_choice(99'999), ConvKernel::kIs);
  forget_choices();
}

TEST(MachineName, TellsIsasApart) {
  std::set<std::string> names;
  for (const std::string& isa : available_isas()) names.insert(machine_name(kernels_named(isa)));
  EXPECT_EQ(names.size(), available_isas().size());
}

TEST(MachineName, TellsEnginesApart) {
  EXPECT_NE(machine_name(best_kernels()).find(engine_build()), std::string::npos);
}

// Interpreters loaded at once keep the same file.
TEST(ChoiceFile, ThreadsThatWriteAtOnceLeaveAWholeOne) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/file";
  std::atomic<int> failed = 0;
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&, i] {
      ChosenKernels choices;
      for (int key = 0; key < 200 * (i + 1); ++key) choices[key] = ConvKernel::kIs;
      for (int turn = 0; turn < 50; ++turn) {
        try {
          write_choices(path, "here", choices);
          read_choices(path, "here");
        } catch (const std::runtime_error&) {
          ++failed;
        }
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(directory.files().size(), 1u);
}

}  // namespace
}  // namespace patternlite::test
