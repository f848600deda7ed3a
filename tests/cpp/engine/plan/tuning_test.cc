// What trying kernels costs, and what is remembered of it.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <functional>
#include <new>
#include <optional>

#include "engine/one_convolution.h"
#include "engine/plan/choice_memory.h"
#include "engine/plan/layer_key.h"
#include "engine/plan/plan_convolutions.h"
#include "engine/plan/time_convolution.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

namespace patternlite::test {
namespace {

// Kernels for pairs and for fours of filters cost about as much: both are tried.
constexpr Pruning kPattern{.kernels_kept = 0.5, .taps = 4, .shared = 4};

// Convolutions of square maps, each of its own.
class Layers {
 public:
  Layers(int channels, std::initializer_list<int> sizes) {
    for (const int size : sizes) {
      const OneConvolution& one = ones_.emplace_back(channels, channels, 3, kPattern, size);
      const Shape &input = one.graph.tensors[0], &output = one.graph.tensors[1];
      convolutions_.push_back(
          {{one.conv, {input, 1}, {output, 1}}, &analyses_.emplace_back(one.conv, input, output)});
    }
  }

  std::vector<PlannedConvolution> plan(const TuneOptions& tuning) { return plan(tuning, *alone_); }
  std::vector<PlannedConvolution> plan(const TuneOptions& tuning, Parallel& parallel) {
    return plan_convolutions(convolutions_, kernels, parallel, tuning);
  }
  // Of the cost model.
  ConvKernel first_choice() { return plan({})[0].choice->kernel; }
  // The seconds that a planner of a budget spends on trying.
  double seconds_tried(double budget, bool remember = true) {
    const auto whole = std::make_shared<TuneBudget>(budget);
    plan({.budget = whole, .remember = remember});
    return budget - whole->take(1);
  }
  // As the process remembers it for any budget.
  std::optional<ConvKernel> settled(int layer) const {
    const auto& [conv, analysis] = convolutions_[layer];
    return recall_choice(layer_key(machine_name(kernels), conv, analysis->taps), kSettled);
  }

  kernels::KernelTable kernels = best_kernels();

 private:
  std::deque<OneConvolution> ones_;
  std::deque<Analysis> analyses_;
  std::vector<ConvolutionToPlan> convolutions_;
  const std::shared_ptr<Parallel> alone_ = make_thread_pool(1);
};

// In the kernel that takes any time, of a layer of 13 x 13 and one of 40 x 40.
double seconds_of_small, seconds_of_large;
int large_runs;

void wait_as_long(const kernels::ConvOs& conv) {
  const bool is_large = conv.position_end > 400;
  large_runs += is_large;
  const std::chrono::duration<double> wait(is_large ? seconds_of_large : seconds_of_small);
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < wait) {
  }
}

// Kernels that compute nothing. The one that the cost model holds for the fastest is the slowest.
kernels::KernelTable idle_kernels(ConvKernel first, double small, double large) {
  seconds_of_small = small;
  seconds_of_large = large;
  large_runs = 0;
  kernels::KernelTable table = best_kernels();
  for (auto& kernel : table.conv_os) kernel = [](const kernels::ConvOs&) {};
  table.conv_os[first == ConvKernel::kOs4 ? 2 : 1] = wait_as_long;
  table.conv_is = table.conv_is_in_place = [](const kernels::ConvIs&) {};
  table.conv_bc16 = [](const kernels::ConvBc&) {};
  table.conv_winograd = [](const kernels::ConvWinograd&) {};
  return table;
}

class TuningTest : public testing::Test {
 protected:
  void SetUp() override { forget_choices(); }
  void TearDown() override { forget_choices(); }
};

TEST_F(TuningTest, ALargerBudgetTriesWhatASmallerOneLeft) {
  Layers layers(24, {13, 14});
  const auto spent = std::make_shared<TuneBudget>(1);
  spent->take(1);
  layers.plan({.budget = spent});
  EXPECT_EQ(layers.seconds_tried(1), 0) << "another time brings other results";
  EXPECT_GT(layers.seconds_tried(60), 0);
  EXPECT_TRUE(layers.settled(0) && layers.settled(1));
  EXPECT_EQ(layers.seconds_tried(3600), 0);
}

TEST_F(TuningTest, ATooSmallBudgetIsNotSpentOnAll) {
  Layers layers(24, {13, 14, 15});
  const auto budget = std::make_shared<TuneBudget>(1e-9);
  layers.plan({.budget = budget});
  budget->give_back(1e-6);
  EXPECT_EQ(budget->take(1), 0) << "what was spent beyond it";
  for (int layer = 0; layer < 3; ++layer) EXPECT_FALSE(layers.settled(layer));
}

// The one between takes more time than there is.
TEST_F(TuningTest, ATwinGetsTheSameKernelAlsoWhenTheTimeIsOut) {
  Layers layers(24, {13, 40, 13});
  const ConvKernel first = layers.first_choice();
  layers.kernels = idle_kernels(first, 0.004, 2.4);
  const auto planned = layers.plan({.budget = std::make_shared<TuneBudget>(2)});
  EXPECT_EQ(large_runs, 1);
  EXPECT_NE(planned[0].choice->kernel, first);
  EXPECT_EQ(planned[2].choice->kernel, planned[0].choice->kernel);
  EXPECT_EQ(layers.settled(2), planned[0].choice->kernel);
}

TEST_F(TuningTest, ALayerThatHasTooLittleTimeForTwoRunsLeavesItToOthers) {
  Layers layers(24, {40, 13});
  layers.kernels = idle_kernels(layers.first_choice(), 0.01, 0.1);
  layers.plan({.budget = std::make_shared<TuneBudget>(0.15)});
  EXPECT_EQ(large_runs, 0);
  EXPECT_FALSE(layers.settled(0));
  EXPECT_TRUE(layers.settled(1));
}

TEST_F(TuningTest, WhatIsNotToBeRememberedIsTriedEachTime) {
  Layers layers(24, {13});
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_GT(layers.seconds_tried(60, false), 0);
    EXPECT_FALSE(layers.settled(0));
  }
  layers.seconds_tried(60);
  EXPECT_TRUE(layers.settled(0));
  EXPECT_GT(layers.seconds_tried(60, false), 0);
}

// Each time tells as much as the first one, also where that was disturbed.
TEST_F(TuningTest, TimingAConvolutionRemembersNoChoice) {
  const OneConvolution one(24, 24, 3, kPattern, 13);
  const Shape &input = one.graph.tensors[0], &output = one.graph.tensors[1];
  const auto alone = make_thread_pool(1);
  time_convolution(one.conv, input, output, best_kernels(), *alone, 0.05);
  for (const bool lines : {false, true}) {
    const PlanarConvolution conv{one.conv,
                                 {.shape = input, .border = 1, .whole_lines = lines},
                                 {.shape = output, .border = 1, .whole_lines = lines}};
    EXPECT_FALSE(recall_choice(layer_key(machine_name(best_kernels()), conv, one.taps()), 0));
  }
}

// Layers are gone through for their keys; then to be packed, and there is no memory.
class NoMemoryToPack final : public Parallel {
 public:
  int threads() const override { return 1; }

 private:
  void deal(int count, const std::function<void(int)>& task) override {
    if (++times_ == 2) throw std::bad_alloc();
    for (int i = 0; i < count; ++i) task(i);
  }
  int times_ = 0;
};

TEST_F(TuningTest, ABudgetIsGivenBackWherePackingFails) {
  Layers layers(24, {13});
  NoMemoryToPack none;
  const auto budget = std::make_shared<TuneBudget>(1);
  EXPECT_THROW(layers.plan({.budget = budget}, none), std::bad_alloc);
  EXPECT_EQ(budget->take(1), 1);
}

TEST(TuneBudget, ChargesWhatWasSpentBeyondIt) {
  TuneBudget budget(1);
  EXPECT_EQ(budget.take(0.5), 0.5);
  budget.give_back(-0.75);
  EXPECT_EQ(budget.take(1), 0);
  budget.give_back(0.5);
  EXPECT_EQ(budget.take(1), 0.25);
  EXPECT_EQ(budget.whole(), 1);
}

// Exits with the number of layers that were settled, with so much memory beside what is there now.
[[noreturn]] void exit_with_settled(Layers& layers, int count, int megabytes) {
  std::ifstream pages("/proc/self/statm");
  rlim_t now = 0;
  pages >> now;
  now = now * sysconf(_SC_PAGESIZE) + (static_cast<rlim_t>(megabytes) << 20);
  const rlimit limit{now, now};
  setrlimit(RLIMIT_AS, &limit);
  const auto planned = layers.plan({.budget = std::make_shared<TuneBudget>(60)});
  int settled = 0;
  for (int i = 0; i < count; ++i) settled += planned[i].packed && layers.settled(i);
  std::_Exit(settled);
}

TEST(TuningDeathTest, TakesNoMoreMemoryThanTheLargestLayersTensors) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory would not fit, either";
#endif
  Layers layers(16, {720, 750});  // 36 MB each of the two
  layers.kernels = idle_kernels(layers.first_choice(), 0, 0);
  EXPECT_EXIT(exit_with_settled(layers, 2, 130), testing::ExitedWithCode(2), "");
  // With less, nothing can be tried, and nothing is lost but that.
  EXPECT_EXIT(exit_with_settled(layers, 2, 20), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace patternlite::test
