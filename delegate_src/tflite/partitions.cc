#include "tflite/partitions.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "tflite/batches.h"
#include "tflite/declined_report.h"

namespace patternlite::tflite {
namespace {

class Selector {
 public:
  Selector(TfLiteContext* context, const Options& options, const CompileOptions& compile_options,
           const ThreadSource& threads)
      : context_(context),
        options_(options),
        compile_options_(compile_options),
        threads_(threads),
        plan_(read_plan(context)),
        decoders_(constant_decoders_of(plan_)),
        size_is_open_(
            std::ranges::any_of(std::span(context->tensors, context->tensors_size), has_open_size)),
        constants_(*context, decoders_) {
    for (const OpNode& node : plan_) {
      by_index_[node.index] = node;
      candidates_.insert(node.index);
    }
  }

  Selection select() {
    // Each pass may leave nodes out, which changes the partitions of the rest.
    do {
      changed_ = false;
      drop_unreadable();
    } while (changed_);
    do {
      changed_ = false;
      partition();
    } while (changed_);

    Selection selection;
    for (const OpNode& node : plan_) {
      if (node.builtin_code == kTfLiteBuiltinConv2d) {
        ++selection.convolutions;
        selection.claimed_convolutions += candidates_.contains(node.index);
      }
      if (!is_convolution(node)) continue;
      const auto report = reports_.find(node.index);
      selection.layers.push_back(
          report != reports_.end()
              ? report->second
              : declined_report(*context_, node, constants_, reasons_[node.index]));
    }
    selection.kernels = std::move(kernels_);
    return selection;
  }

 private:
  void drop(int index, const std::string& reason) {
    if (candidates_.erase(index) == 0) throw std::logic_error("node dropped twice");
    reasons_[index] = reason;
    changed_ = true;
    // A layer's own reason says more than that its partition was not worth taking.
    const auto report = reports_.find(index);
    if (report != reports_.end()) {
      report->second.kernel = "stock";
      if (report->second.outcome == Outcome::kSparse) {
        report->second.outcome = Outcome::kDeclined;
        report->second.reason = reason;
      }
    }
  }

  void drop_all(std::span<const int> indices, const std::string& reason) {
    for (const int index : indices) drop(index, reason);
  }

  // Reads the whole graph, as if it were one partition, until a node cannot be read.
  void drop_unreadable() {
    GraphReader reader(*context_, constants_);
    for (const OpNode& node : plan_) {
      if (!candidates_.contains(node.index)) continue;
      try {
        reader.add(node);
      } catch (const Declined& declined) {
        drop(declined.node, declined.what());
        // Another node's fault: what was read after that node is invalid.
        if (declined.node != node.index) return;
      }
    }
  }

  void partition() {
    judged_ = std::exchange(kernels_, {});
    TfLiteDelegateParams* partitions = nullptr;
    int count = 0;
    const IntArray nodes({candidates_.begin(), candidates_.end()});
    if (context_->PreviewDelegatePartitioning(context_, nodes.get(), &partitions, &count) !=
        kTfLiteOk) {
      throw std::runtime_error("the interpreter cannot partition the graph");
    }
    for (int i = 0; i < count; ++i) drop_read_decoders(items(partitions[i].output_tensors));
    if (changed_) return;
    for (int i = 0; i < count; ++i) add_partition(partitions[i]);
    if (changed_) return;
    keep_largest();
    if (changed_) return;
    share_tuning_budget();
    for (auto& kernel : kernels_) compile(*kernel);
  }

  double macs(const DelegateKernel& kernel, double LayerReport::* which) const {
    double sum = 0;
    for (const OpNode& node : kernel.nodes()) {
      const auto report = reports_.find(node.index);
      if (report != reports_.end()) sum += report->second.*which;
    }
    return sum;
  }

  // Each gets a share of what the ones before it left, by its part of the remaining work.
  void share_tuning_budget() {
    double rest = 0;
    for (const auto& kernel : kernels_) rest += macs(*kernel, &LayerReport::kept_macs);
    for (const auto& kernel : kernels_) {
      const double work = macs(*kernel, &LayerReport::kept_macs);
      kernel->set_tune_share(std::min(work / std::max(rest, 1.0), 1.0));
      rest -= work;
    }
  }

  // If others read a decoder's output, the runtime has to run it.
  void drop_read_decoders(std::span<const int> outputs) {
    for (const OpNode& node : decoders_) {
      if (candidates_.contains(node.index) &&
          std::ranges::find(outputs, node.outputs[0]) != outputs.end()) {
        drop(node.index, "declined:not-only-weights");
      }
    }
  }

  void add_partition(const TfLiteDelegateParams& params) {
    const std::span<const int> indices = items(params.nodes_to_replace);
    const std::span<const int> outputs = items(params.output_tensors);
    if (static_cast<int>(indices.size()) < options_.min_nodes_per_partition) {
      return drop_all(indices, "declined:small-partition");
    }
    // As it was in the pass before, with other nodes left out?
    const auto same = std::ranges::find_if(judged_, [&](const auto& kernel) {
      return kernel && std::ranges::equal(kernel->nodes(), indices, {}, &OpNode::index) &&
             std::ranges::equal(kernel->outputs(), outputs);
    });
    if (same != judged_.end()) return kernels_.push_back(std::move(*same));
    std::vector<OpNode> nodes;
    for (const int index : indices) nodes.push_back(by_index_.at(index));
    try {
      const PartitionGraph partition = read_partition(*context_, nodes, outputs, constants_);
      validate(partition.graph);
      Verdict verdict =
          judge(partition.graph, *compile_options_.kernels, std::max(partition.batch, 1));
      report(partition.convolution_nodes, verdict.layers);
      if (!options_.force) {
        const auto others = nodes_of_other_batches(*context_, constants_, nodes, partition);
        if (!others.empty()) return drop_all(others, "declined:mixed-batch");
      }
      if (partition.graph.nodes.empty() || !takes(verdict)) {
        return drop_all(indices, "declined:not-faster");
      }
      kernels_.push_back(std::make_unique<DelegateKernel>(
          std::move(nodes), std::vector<int>(outputs.begin(), outputs.end()), decoders_,
          std::move(verdict), compile_options_));
    } catch (const Declined& declined) {
      if (declined.node < 0) return drop_all(indices, declined.what());
      return drop(declined.node, declined.what());
    } catch (const std::invalid_argument& error) {
      return drop_all(indices, std::string("declined:engine: ") + error.what());
    }
  }

  // Whether it pays on a size that is not known yet cannot be told: then zeros are enough.
  bool takes(const Verdict& verdict) const {
    const bool asked = options_.force || (size_is_open_ && verdict.sparse);
    return verdict.worthwhile || (asked && verdict.finite);
  }

  // By multiplications saved, when the user limits the number of partitions.
  void keep_largest() {
    const auto limit = static_cast<std::size_t>(options_.max_delegated_partitions);
    if (limit == 0 || kernels_.size() <= limit) return;
    const auto saved = [this](const std::unique_ptr<DelegateKernel>& kernel) {
      return macs(*kernel, &LayerReport::dense_macs) - macs(*kernel, &LayerReport::kept_macs);
    };
    std::ranges::stable_sort(kernels_, std::greater<>(), saved);
    for (std::size_t i = limit; i < kernels_.size(); ++i) {
      for (const OpNode& node : kernels_[i]->nodes()) {
        drop(node.index, "declined:max-partitions");
      }
    }
  }

  void compile(DelegateKernel& kernel) {
    kernel.set_parallel(threads_());
    try {
      kernel.compile(*context_, constants_);
    } catch (const std::invalid_argument& error) {
      for (const OpNode& node : kernel.nodes()) {
        drop(node.index, std::string("declined:engine: ") + error.what());
      }
      return;
    }
    report(kernel.partition().convolution_nodes, kernel.program().layers());
  }

  // Layers of the same node follow one another: what a TRANSPOSE_CONV has become.
  void report(std::span<const int> nodes, std::span<const LayerReport> layers) {
    for (std::size_t first = 0, behind = 0; first < nodes.size(); first = behind) {
      const OpNode& node = by_index_.at(nodes[first]);
      while (behind < nodes.size() && nodes[behind] == node.index) ++behind;
      reports_[node.index] = node.builtin_code == kTfLiteBuiltinTransposeConv
                                 ? transposed_report(*context_, node, constants_,
                                                     layers.subspan(first, behind - first))
                                 : layers[first];
    }
  }

  TfLiteContext* context_;
  const Options& options_;
  const CompileOptions& compile_options_;
  const ThreadSource& threads_;
  std::vector<OpNode> plan_, decoders_;
  bool size_is_open_;
  Constants constants_;
  std::map<int, OpNode> by_index_;
  std::set<int> candidates_;  // nodes still to be taken
  std::map<int, std::string> reasons_;
  std::map<int, LayerReport> reports_;                    // of nodes that a partition held
  std::vector<std::unique_ptr<DelegateKernel>> kernels_;  // of this pass
  std::vector<std::unique_ptr<DelegateKernel>> judged_;   // of the one before
  bool changed_ = false;
};

}  // namespace

Selection select_partitions(TfLiteContext* context, const Options& options,
                            const CompileOptions& compile_options, const ThreadSource& threads) {
  return Selector(context, options, compile_options, threads).select();
}

std::vector<std::unique_ptr<DelegateKernel>> kernels_of(TfLiteContext* context,
                                                        std::span<const Claim> claims,
                                                        const CompileOptions& compile_options) {
  const std::vector<OpNode> plan = read_plan(context), decoders = constant_decoders_of(plan);
  std::map<int, OpNode> by_index;
  for (const OpNode& node : plan) by_index[node.index] = node;
  std::vector<std::unique_ptr<DelegateKernel>> kernels;
  for (const Claim& claim : claims) {
    std::vector<OpNode> nodes;
    for (const int index : claim.nodes) {
      const auto found = by_index.find(index);
      if (found == by_index.end()) return {};
      nodes.push_back(found->second);
    }
    kernels.push_back(std::make_unique<DelegateKernel>(std::move(nodes), claim.outputs, decoders,
                                                       std::nullopt, compile_options));
    kernels.back()->set_tune_share(claim.tune_share);
  }
  return kernels;
}

}  // namespace patternlite::tflite
