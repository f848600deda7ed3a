#include "mnn/plan/pack_layers.h"

#include <deque>
#include <mutex>
#include <utility>

#include "engine/plan/plan_convolutions.h"
#include "engine/support/thread_pool.h"

namespace patternlite::mnn {
namespace {

// Layers of one call of plan_convolutions(), with their weights.
class Batch {
 public:
  Batch(const std::vector<LayerToPack>& layers, const kernels::KernelTable& kernels,
        const std::shared_ptr<TuneBudget>& budget, PackedLayers& packed)
      : layers_(layers), kernels_(kernels), budget_(budget), packed_(packed) {}

  void add(std::size_t index) {
    const auto& [layer, conv] = layers_[index];
    Member& member = members_.emplace_back(Member{index, layer->weights(), conv, {}});
    Convolution& op = member.conv.op;
    op.weights = engine_convolution(layer->op(), op.window, member.weights.data()).weights;
    member.analysis = std::make_unique<Analysis>(op, conv.input.shape, conv.output.shape);
  }

  void plan() {
    std::vector<ConvolutionToPlan> convolutions;
    for (const Member& member : members_) {
      convolutions.push_back({member.conv, member.analysis.get()});
    }
    // On one thread: MNN lends its own only while a session runs.
    const auto alone = make_thread_pool(1);
    auto planned = plan_convolutions(convolutions, kernels_, *alone, {.budget = budget_});
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const auto& [layer, conv] = layers_[members_[i].index];
      packed_[members_[i].index] = layer->share(conv, kernels_, std::move(planned[i].packed));
    }
    members_.clear();
  }

 private:
  struct Member {
    std::size_t index;
    std::vector<float> weights;
    PlanarConvolution conv;
    std::unique_ptr<Analysis> analysis;
  };

  const std::vector<LayerToPack>& layers_;
  const kernels::KernelTable& kernels_;
  const std::shared_ptr<TuneBudget>& budget_;
  PackedLayers& packed_;
  std::deque<Member> members_;
};

bool covers_the_map(const LayerToPack& layer) {
  return layer.conv.output.shape.height == 1 && layer.conv.output.shape.width == 1;
}

}  // namespace

PackedLayers pack_layers(const std::vector<LayerToPack>& layers,
                         const kernels::KernelTable& kernels,
                         const std::shared_ptr<TuneBudget>& budget) {
  // One session at a time: those of one model share packings, and trials would disturb each other.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  PackedLayers packed;
  Batch alone(layers, kernels, budget, packed), together(layers, kernels, budget, packed);
  for (const auto& [layer, conv] : layers) packed.push_back(layer->shared(conv, kernels));
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (packed[i]) continue;
    // Fully connected layers leave no choice of kernels, and may be most of a model: one by one,
    // not all of their dense weights are there at once.
    if (covers_the_map(layers[i])) {
      alone.add(i);
      alone.plan();
    } else {
      together.add(i);
    }
  }
  together.plan();
  return packed;
}

}  // namespace patternlite::mnn
