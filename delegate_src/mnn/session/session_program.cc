#include "mnn/session/session_program.h"

#include <algorithm>
#include <utility>

#include "engine/support/float_mode.h"
#include "engine/support/isa.h"
#include "mnn/model/map_tensor.h"
#include "mnn/plan/pack_layers.h"

namespace patternlite::mnn {
namespace {

constexpr std::size_t kLineFloats = kCacheLine / sizeof(float);

std::size_t whole_lines(std::size_t floats) {
  return (floats + kLineFloats - 1) / kLineFloats * kLineFloats;
}

// With the memory that the session's tensor has now. Its sizes may be others: those of the next
// resize, which is not done yet.
MapTensor placed(MapTensor map, const abi::Tensor& tensor, int pack) {
  map.data = reinterpret_cast<float*>(tensor.host);
  map.pack = pack;
  return map;
}

std::map<const void*, std::size_t> weights_of(const PackedLayers& packed) {
  std::map<const void*, std::size_t> weights;
  for (const auto& layer : packed) {
    weights[layer->convolution.get()] = layer->convolution->weight_bytes();
  }
  return weights;
}

}  // namespace

std::shared_ptr<const PackedLayers> SessionProgram::compile(
    const Recording& recording, LayerLog& log, const std::shared_ptr<TuneBudget>& budget) {
  const ScopedFloatMode mode(Denormals::kKept);  // as Program::compile()
  const SessionGraph graph = make_session_graph(recording);
  const std::shared_ptr<SessionProgram> program(new SessionProgram(graph, recording, log, budget));
  for (const RecordedNode& node : recording.nodes()) node.place->program = program;
  log.add_plan(program, graph.nodes.empty() ? PlanReport{} : program->report(graph, recording));
  log.add_plan(program->packed_, {.weights = weights_of(*program->packed_)});
  return program->packed_;
}

SessionProgram::SessionProgram(const SessionGraph& graph, const Recording& recording, LayerLog& log,
                               const std::shared_ptr<TuneBudget>& budget)
    : kernels_(best_kernels()),
      runs_(graph.runs),
      runs_in_mnn_too_(graph.runs_in_mnn_too),
      plan_(graph.plan) {
  for (const RecordedNode& node : recording.nodes()) {
    stages_.emplace_back().images = recording.tensors()[node.output].map.batch;
  }
  allocate(graph);
  pack(graph, recording, log, budget);
  for (const SessionNode& node : graph.nodes) add(node, recording);
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const RecordedNode& node = recording.nodes()[i];
    if (!node.layer || runs_[i]) continue;
    log.set_stock(node.row, recording.tensors()[node.output].map.shape);
  }
}

void SessionProgram::allocate(const SessionGraph& graph) {
  std::vector<int> images(plan_.slots.size());
  for (const SessionNode& node : graph.nodes) {
    int& most = images[plan_.slot[node.tensor]];
    most = std::max(most, stages_[node.recorded].images);
  }
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::size_t stride = whole_lines(plan_.slots[i]);
    slots_.push_back({AlignedVector<float>(stride * images[i]), stride, images[i]});
  }
}

void SessionProgram::pack(const SessionGraph& graph, const Recording& recording, LayerLog& log,
                          const std::shared_ptr<TuneBudget>& budget) {
  std::vector<LayerToPack> layers;
  std::vector<int> recorded;
  for (const SessionNode& node : graph.nodes) {
    const auto* conv = std::get_if<Convolution>(&node.node.op);
    if (node.kind != SessionNode::Kind::kOperator || !conv) continue;
    const auto& layer = recording.nodes()[node.recorded].layer;
    layers.push_back({layer, planar_convolution(*conv, plan_.layouts)});
    recorded.push_back(node.recorded);
    stages_[node.recorded].convolve.push_back(
        {nullptr, conv->input, conv->residual, conv->output, node.clears});
  }
  packed_ = std::make_shared<const PackedLayers>(pack_layers(layers, kernels_, budget));
  for (std::size_t i = 0; i < recorded.size(); ++i) {
    const PackedConvolution& packed = *(*packed_)[i]->convolution;
    log.set_kernel(recording.nodes()[recorded[i]].row, packed, layers[i].conv.output.shape);
    stages_[recorded[i]].convolve.front().packed = &packed;
  }
}

void SessionProgram::add(const SessionNode& node, const Recording& recording) {
  Stage& stage = stages_[node.recorded];
  const RecordedNode& recorded = recording.nodes()[node.recorded];
  switch (node.kind) {
    case SessionNode::Kind::kImport: {
      const auto operand = std::find(recorded.inputs.begin(), recorded.inputs.end(), node.tensor);
      stage.imports.push_back({recording.tensors()[node.tensor].map, node.tensor,
                               static_cast<std::size_t>(operand - recorded.inputs.begin()),
                               node.clears});
      break;
    }
    case SessionNode::Kind::kExport:
      stage.exports.push_back({recording.tensors()[recorded.output].map, node.tensor, 0});
      break;
    case SessionNode::Kind::kOperator:
      if (std::holds_alternative<Convolution>(node.node.op)) break;  // pack() has seen to it
      stage.image_steps.resize(stage.images);
      for (int image = 0; image < stage.images; ++image) {
        const auto memory = [this](int of) {
          return TensorMemory{plan_.layouts, [this, of](TensorId id) { return at(id, of); }};
        };
        auto& steps = stage.image_steps[image];
        if (node.clears != kNoTensor) {
          const int end = clear_end(stage, node.clears, image);
          for (int i = image; i < end; ++i) {
            steps.push_back(make_clear_step(node.clears, memory(i), Borders::kAll));
          }
        }
        steps.push_back(make_step(node.node, memory(image), kernels_));
      }
      break;
  }
}

// Row 0, column 0 of channel 0.
float* SessionProgram::at(TensorId id, int image) {
  Slot& slot = slots_[plan_.slot[id]];
  return slot.memory.data() + image * slot.image_stride + plan_.origin(id);
}

// The last one's also beyond the stage's batch: what has more images and the same borders may lie
// there next.
int SessionProgram::clear_end(const Stage& stage, TensorId id, int image) const {
  return image + 1 < stage.images ? image + 1 : slots_[plan_.slot[id]].images;
}

void SessionProgram::run(int node, const abi::Tensors& inputs, const abi::Tensors& outputs,
                         int pack, Parallel& parallel) {
  const ScopedFloatMode mode(Denormals::kZero);
  const Stage& stage = stages_[node];
  for (int image = 0; image < stage.images; ++image) {
    const auto clear = [&](TensorId id, Borders which) {
      if (id == kNoTensor) return;
      clear_borders(plan_.layouts[id], at(id, image), which, parallel);
      const int end = clear_end(stage, id, image);
      for (int i = image + 1; i < end; ++i) {
        clear_borders(plan_.layouts[id], at(id, i), Borders::kAll, parallel);
      }
    };
    for (const auto& [map, tensor, operand, clears] : stage.imports) {
      clear(clears, Borders::kAll);
      to_planar(placed(map, *inputs[operand], pack), image, at(tensor, image),
                plan_.layouts[tensor], kernels_, parallel);
    }
    if (!stage.image_steps.empty()) {
      for (const auto& step : stage.image_steps[image]) step->run(parallel);
    }
    for (const auto& [packed, input, residual, output, clears] : stage.convolve) {
      clear(clears, clears == output ? not_written_by(*packed) : Borders::kAll);
      packed->run(at(input, image), residual == kNoTensor ? nullptr : at(residual, image),
                  at(output, image), parallel);
    }
    for (const auto& [map, tensor, operand, clears] : stage.exports) {
      from_planar(at(tensor, image), plan_.layouts[tensor], placed(map, *outputs[operand], pack),
                  image, kernels_, parallel);
    }
  }
}

PlanReport SessionProgram::report(const SessionGraph& graph, const Recording& recording) const {
  PlanReport report{.isa = kernels_.isa,
                    .fused_additions = graph.fused_additions,
                    .private_tensors = graph.private_tensors};
  for (const Slot& slot : slots_) report.activation_bytes += slot.memory.size() * sizeof(float);
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const Stage& stage = stages_[i];
    const auto& layer = recording.nodes()[i].layer;
    if (runs_[i] && layer) report.weights[layer.get()] = layer->weight_bytes();
    report.conversions += static_cast<int>(stage.imports.size() + stage.exports.size());
  }
  return report;
}

}  // namespace patternlite::mnn
