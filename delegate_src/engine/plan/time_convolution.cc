#include "engine/plan/time_convolution.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/graph/rewrite.h"
#include "engine/plan/lay_out.h"
#include "engine/plan/plan_convolutions.h"
#include "engine/plan/trial.h"

namespace patternlite {
namespace {

constexpr double kPlanningShare = 0.5;  // the most of the budget for the planner's own trials
constexpr int kLeastRuns = 2;           // the first one allocates the threads' scratch memory

// Throws as validate() does.
Convolution validated(Convolution conv, const Shape& input, const Shape& output) {
  Graph graph;
  conv.input = graph.add_tensor(input);
  conv.output = graph.add_tensor(output);
  graph.inputs = {conv.input};
  graph.outputs = {conv.output};
  graph.nodes.push_back({conv, "timed"});
  validate(graph);
  return conv;
}

PlanarConvolution in_planar(Convolution conv, const Shape& input, const Shape& output) {
  const LoneConvolution lone = lay_out_alone(conv.window, input, output);
  conv.window = lone.window;
  PlanarConvolution planar{std::move(conv), lone.input, lone.output};
  planar.input.whole_lines = planar.output.whole_lines =
      gains_by_whole_lines(planar.op) && planar.input.close_to_whole_lines();
  return planar;
}

}  // namespace

ConvolutionTime time_convolution(const Convolution& conv, const Shape& input, const Shape& output,
                                 const kernels::KernelTable& kernels, Parallel& parallel,
                                 double budget) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const PlanarConvolution planar = in_planar(validated(conv, input, output), input, output);
  const Analysis analysis(planar.op, planar.input.shape, planar.output.shape);
  const TuneOptions tuning{
      .budget = make_tune_budget(static_cast<int>(budget * kPlanningShare * 1e3)),
      .remember = false};
  const auto planned = plan_convolutions({{planar, &analysis}}, kernels, parallel, tuning);
  const PackedConvolution& packed = *planned[0].packed;
  Trial trial(parallel);
  double fastest = trial.run_far(planar, packed);
  const std::chrono::duration<double> limit(budget);
  for (int runs = 1; runs < kLeastRuns || Clock::now() - start < limit; ++runs) {
    fastest = std::min(fastest, trial.run_far(planar, packed));
  }
  return {fastest, packed.kernel_name()};
}

}  // namespace patternlite
