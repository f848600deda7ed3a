// Convolutions planned with time to try candidates: results stay right whatever is chosen, choices
// are kept, and what a directory holds is never trusted.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <utility>

#include "engine/execute/program.h"
#include "engine/one_convolution.h"
#include "engine/plan/choice_file.h"
#include "engine/plan/choice_memory.h"
#include "engine/plan/layer_key.h"
#include "engine/plan/plan_convolutions.h"
#include "engine/plan/time_convolution.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"
#include "engine/temporary_directory.h"

namespace patternlite::test {
namespace {

using namespace std::chrono_literals;

constexpr Pruning kPattern{.kernels_kept = 0.5, .taps = 4, .shared = 2};
constexpr int kBudgetMs = 60'000;  // more than any test needs: no candidate goes untried

// input -> conv 0 -> conv 1 -> ... of 24 channels, without and with stride.
struct Chain {
  explicit Chain(int layers, std::vector<Pruning> prunings = {kPattern}) {
    graph.inputs = {graph.add_tensor({24, 13, 13})};
    for (int i = 0; i < layers; ++i) {
      Convolution conv{.input = i, .window = {.kernel_h = 3, .kernel_w = 3}};
      conv.window.stride_h = conv.window.stride_w = i == 1 ? 2 : 1;
      conv.window.pad_top = conv.window.pad_left = 1;
      conv.output = graph.add_tensor(window_shape(graph.tensors[i], 24, conv.window, 1, 1));
      store.fill(conv, 24, 24, prunings[i % prunings.size()]);
      graph.nodes.push_back({conv, "conv" + std::to_string(i)});
    }
    graph.outputs = {layers};
  }
  std::vector<float> run(Program& program) {
    const Shape shape = graph.tensors[graph.outputs[0]];
    std::vector<float> output(shape.elements(), NAN);
    const float* in = image[0].values.data();
    float* out = output.data();
    program.run({&in, 1}, {&out, 1});
    return output;
  }
  void check(Program& program) {
    const Image expected = run_reference(graph, image)[0];
    EXPECT_LT(relative_error(expected, {expected.shape, run(program)}), 2e-5);
  }
  WeightStore store{3};
  Graph graph;
  std::vector<Image> image{random_image({24, 13, 13}, store.random)};
};

std::vector<std::string> kernels_of(const Program& program) {
  std::vector<std::string> names;
  for (const LayerReport& layer : program.layers()) names.push_back(layer.kernel);
  return names;
}

class PlanningTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { forget_choices(); }
  void TearDown() override { forget_choices(); }

  std::unique_ptr<Program> compile(const Graph& graph, int threads = 1, int budget = kBudgetMs) {
    return Program::compile(graph, {.kernels = &kernels(),
                                    .parallel = make_thread_pool(threads),
                                    .tuning = {.budget = make_tune_budget(budget),
                                               .directory = path,
                                               .warn = [this](auto& w) { warnings.push_back(w); }},
                                    .least_shared = 0});
  }
  // As if another process had timed the layers of `graph` and found `kernel` to be the fastest.
  void put_file(const Graph& graph, ConvKernel kernel) {
    compile(graph);
    forget_choices();
    const std::string file = directory.files().at(0);
    ChosenKernels choices = *read_choices(file, machine());
    for (auto& [key, chosen] : choices) chosen = kernel;
    write_choices(file, machine(), choices);
  }
  std::string machine() { return machine_name(kernels()); }
  const kernels::KernelTable& kernels() { return kernels_named(GetParam()); }

  TemporaryDirectory directory;
  std::string path = directory.path();
  std::vector<std::string> warnings;
};

TEST_P(PlanningTest, WhateverIsChosenIsRight) {
  path.clear();
  Chain chain(5, {kPattern, {.kernels_kept = 0.3, .taps = 4}, {}, {.kernels_kept = 0}});
  for (int threads : {1, 3}) {
    for (int budget : {1, 20, kBudgetMs}) {
      forget_choices();
      chain.check(*compile(chain.graph, threads, budget));
    }
  }
  EXPECT_TRUE(warnings.empty());
}

TEST_P(PlanningTest, WhatIsLeftOfABudgetIsShared) {
  Chain chain(5);
  const auto budget = make_tune_budget(kBudgetMs);
  const auto compile_with = [&](double share) {
    forget_choices();
    return Program::compile(chain.graph,
                            {.kernels = &kernels(), .tuning = {.budget = budget, .share = share}});
  };
  compile_with(0);
  const double all = budget->take(1);
  EXPECT_DOUBLE_EQ(all, kBudgetMs * 1e-3);
  // Nothing is left: as without a budget.
  const auto names = kernels_of(*compile_with(1));
  EXPECT_EQ(names, kernels_of(*compile(chain.graph, 1, 0)));
  EXPECT_DOUBLE_EQ(budget->take(1), 0);
  budget->give_back(all);
  chain.check(*compile_with(1));
  EXPECT_LT(budget->take(1), all);
}

TEST_P(PlanningTest, EveryKernelThatAFileNamesIsUsedWhereItRuns) {
  for (const ConvKernelTraits& traits : kConvKernels) {
    Chain chain(3);
    put_file(chain.graph, traits.kernel);
    const auto program = compile(chain.graph);
    chain.check(*program);
    const auto names = kernels_of(*program);
    EXPECT_EQ(names[0], traits.name);
    // Winograd's algorithm needs wider maps: a choice that cannot be is none.
    const bool narrow = traits.kernel != ConvKernel::kWinograd;
    EXPECT_EQ(names[1] == traits.name, narrow) << names[1];
    EXPECT_EQ(names[2] == traits.name, narrow) << names[2];
  }
  EXPECT_TRUE(warnings.empty());
}

TEST_P(PlanningTest, ResultsRepeatFromTheSecondTimeOn) {
  Chain chain(4, {kPattern, {.kernels_kept = 0.3, .taps = 4}});
  const auto first = compile(chain.graph);
  const auto files = directory.files();
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(read_choices(files[0], machine())->size(), 4u);
  for (int process = 0; process < 3; ++process) {
    forget_choices();
    const auto again = compile(chain.graph);
    EXPECT_EQ(kernels_of(*again), kernels_of(*first));
    EXPECT_EQ(chain.run(*again), chain.run(*first));
  }
}

TEST_P(PlanningTest, AFileThatSaysItAllIsNotWrittenAgain) {
  Chain chain(3);
  compile(chain.graph);
  const std::string file = directory.files().at(0);
  std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now() - 48h);
  const auto written = std::filesystem::last_write_time(file);
  for (const int budget : {kBudgetMs, 0}) compile(chain.graph, 1, budget);
  EXPECT_EQ(std::filesystem::last_write_time(file), written);
}

TEST_P(PlanningTest, TheProcessRemembersWithoutADirectory) {
  path.clear();
  Chain chain(3);
  const auto first = compile(chain.graph);
  EXPECT_EQ(kernels_of(*compile(chain.graph)), kernels_of(*first));
  EXPECT_TRUE(directory.files().empty());
}

TEST_P(PlanningTest, WithoutABudgetTheCostModelDecidesOrAFile) {
  Chain chain(3);
  const std::string kept = std::exchange(path, "");
  const auto plain = kernels_of(*compile(chain.graph, 1, 0));
  path = kept;
  EXPECT_EQ(kernels_of(*compile(chain.graph, 1, 0)), plain);
  EXPECT_EQ(directory.files().size(), 1u) << "what another process has to repeat is not kept";
  EXPECT_EQ(kernels_of(*compile(chain.graph)), plain) << "whatever the budget";
  for (const ConvKernelTraits& traits : kConvKernels) {
    put_file(chain.graph, traits.kernel);
    const auto file = kernels_of(*compile(chain.graph));
    forget_choices();
    EXPECT_EQ(kernels_of(*compile(chain.graph, 1, 0)), file);
  }
  EXPECT_TRUE(warnings.empty());
}

TEST_P(PlanningTest, WithoutABudgetOrADirectoryNothingIsRemembered) {
  Chain chain(3);
  const std::string kept = path;
  path.clear();
  const auto plain = kernels_of(*compile(chain.graph, 1, 0));
  for (const ConvKernelTraits& traits : kConvKernels) {
    path = kept;
    put_file(chain.graph, traits.kernel);
    compile(chain.graph);
    path.clear();
    EXPECT_EQ(kernels_of(*compile(chain.graph, 1, 0)), plain);
  }
}

// Other kernels would sum in another order: results must not depend on the number of threads.
TEST_P(PlanningTest, EveryThreadCountGetsTheSameKernels) {
  Chain chain(2);
  const auto once = kernels_of(*compile(chain.graph, 2));
  for (int threads : {1, 3}) EXPECT_EQ(kernels_of(*compile(chain.graph, threads)), once);
  EXPECT_EQ(directory.files().size(), 1u);
}

TEST_P(PlanningTest, LayersThatAreAlikeShareOneChoice) {
  Chain chain(1);
  Convolution twin = std::get<Convolution>(chain.graph.nodes[0].op);
  twin.input = 1;
  twin.output = chain.graph.add_tensor(chain.graph.tensors[1]);
  chain.graph.nodes.push_back({twin, "twin"});
  chain.graph.outputs = {twin.output};
  const auto program = compile(chain.graph);
  chain.check(*program);
  EXPECT_EQ(kernels_of(*program)[0], kernels_of(*program)[1]);
  EXPECT_EQ(read_choices(directory.files().at(0), machine())->size(), 1u);
}

TEST_P(PlanningTest, ADamagedFileIsIgnoredWithOneWarningAndReplaced) {
  Chain chain(3);
  compile(chain.graph);
  const std::string file = directory.files().at(0);
  for (const char* text : {"", "nonsense", "patternlite choices 1\nfor ",
                           "\x7f"
                           "ELF"}) {
    forget_choices();
    warnings.clear();
    std::ofstream(file) << text;
    chain.check(*compile(chain.graph));
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_TRUE(warnings[0].starts_with("ignores the kernel choices in " + file)) << warnings[0];
    EXPECT_TRUE(read_choices(file, machine()));
  }
}

TEST_P(PlanningTest, AFileOfAnotherMachineIsIgnored) {
  Chain chain(3);
  put_file(chain.graph, ConvKernel::kOs1);
  const std::string file = directory.files().at(0);
  write_choices(file, "patternlite 99, isa, 1 thread, Another CPU", *read_choices(file, machine()));
  chain.check(*compile(chain.graph));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("written for another machine"), std::string::npos) << warnings[0];
}

TEST_P(PlanningTest, ADirectoryThatCannotBeWrittenIsNoError) {
  Chain chain(3);
  path += "/none";
  chain.check(*compile(chain.graph));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(warnings[0].starts_with("cannot keep kernel choices in " + path)) << warnings[0];
  EXPECT_NE(warnings[0].find("No such file or directory"), std::string::npos) << warnings[0];
}

INSTANTIATE_TEST_SUITE_P(Isa, PlanningTest, testing::ValuesIn(available_isas()),
                         [](const auto& info) { return info.param; });

// The choices themselves: kernels may be the same by chance.
TEST(Planning, TheProcessRemembersEachLayersChoice) {
  forget_choices();
  const OneConvolution c(24, 24, 3, {.kernels_kept = 0.5, .taps = 4, .shared = 2}, 13);
  const auto& kernels = best_kernels();
  const Analysis analysis(c.conv, c.graph.tensors[0], c.graph.tensors[1]);
  const PlanarConvolution conv{c.conv, {c.graph.tensors[0], 1}, {c.graph.tensors[1], 1}};
  const auto pool = make_thread_pool(1);
  const auto planned =
      plan_convolutions({{conv, &analysis}}, kernels, *pool, {.budget = make_tune_budget(50)});
  const auto known = recall_choice(layer_key(machine_name(kernels), conv, analysis.taps), 0);
  ASSERT_TRUE(known);
  EXPECT_EQ(*known, planned[0].choice->kernel);
  forget_choices();
}

TEST(TimeConvolution, RefusesWhatIsNoLayer) {
  OneConvolution one(8, 8, 3, kPattern);
  const auto pool = make_thread_pool(1);
  const auto timed = [&](const Convolution& conv, Shape input, Shape output) {
    return time_convolution(conv, input, output, best_kernels(), *pool, 0).seconds;
  };
  const Shape map{8, 14, 14};
  EXPECT_GT(timed(one.conv, map, map), 0);
  EXPECT_THROW(timed(one.conv, {8, 0, 0}, {8, 0, 0}), std::invalid_argument);
  one.conv.window.dilation_w = 0;
  EXPECT_THROW(timed(one.conv, map, map), std::invalid_argument);
}

}  // namespace
}  // namespace patternlite::test
