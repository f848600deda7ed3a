// Runs a program on images that lie between guard pages, as a runtime's tensors may: reading or
// writing before or behind them crashes the test.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include "engine/execute/program.h"
#include "engine/reference.h"
#include "kernels/guarded_buffer.h"

namespace patternlite::test {

inline std::vector<Image> run_at(Flush flush, Program& program, const Graph& graph,
                                 const std::vector<Image>& inputs) {
  std::deque<GuardedBuffer> memory;
  std::vector<const float*> in;
  std::vector<float*> out;
  for (const Image& image : inputs) {
    in.push_back(memory.emplace_back(image.values.size(), flush).data());
    std::ranges::copy(image.values, memory.back().data());
  }
  for (TensorId id : graph.outputs) {
    out.push_back(memory.emplace_back(graph.tensors[id].elements(), flush, NAN).data());
  }
  program.run(in, out);
  std::vector<Image> outputs;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const Shape shape = graph.tensors[graph.outputs[i]];
    outputs.push_back({shape, {out[i], out[i] + shape.elements()}});
  }
  return outputs;
}

inline std::vector<Image> run(Program& program, const Graph& graph,
                              const std::vector<Image>& inputs) {
  run_at(Flush::kFront, program, graph, inputs);
  return run_at(Flush::kBack, program, graph, inputs);
}

}  // namespace patternlite::test
