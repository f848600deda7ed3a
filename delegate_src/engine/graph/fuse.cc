#include "engine/graph/fuse.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>

#include "engine/graph/fold_selections.h"
#include "engine/graph/visit.h"

namespace patternlite {
namespace {

// Least elements of a map that should not be written before it is pooled: smaller ones stay in the
// cache until then.
constexpr std::size_t kLeastPooled = 1 << 18;
constexpr int kLeastPooledRows = 16;  // to be divided among threads
// The largest shift * scale with which (x + shift) * scale becomes x * scale + shift * scale: with
// larger ones that sum would cancel digits that results of about 1 need, for example when a
// pressure is normalised.
constexpr float kMostShift = 64;

class Fuser {
 public:
  explicit Fuser(Graph graph) : graph_(std::move(graph)) {}

  Graph run() {
    rename_aliases();
    fold_selections(graph_);
    fold_padding();
    fold_gates();
    fold_resizes();
    fold_scalings();
    fold_curves();
    fold_activations();
    fold_additions();
    fold_poolings();
    return std::move(graph_);
  }

 private:
  // Index of the node that writes `id`, if any (a graph input has none).
  std::optional<std::size_t> producer(TensorId id) {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (output_of(graph_.nodes[i].op) == id) return i;
    }
    return std::nullopt;
  }

  // The operator that alone reads `id`, if it is of this kind.
  template <typename Op>
  Op* only_reader(TensorId id) {
    if (readers(graph_, id) != 1) return nullptr;
    for (Node& node : graph_.nodes) {
      auto* op = std::get_if<Op>(&node.op);
      if (op != nullptr && op->input == id) return op;
    }
    return nullptr;
  }

  void erase(std::size_t index) {
    graph_.nodes.erase(graph_.nodes.begin() + static_cast<std::ptrdiff_t>(index));
  }

  // Drops the nodes of this kind that fold(op) has folded into others.
  template <typename Op, typename Fold>
  void fold_each(const Fold& fold) {
    for (std::size_t i = 0; i < graph_.nodes.size();) {
      const auto* found = std::get_if<Op>(&graph_.nodes[i].op);
      if (found != nullptr && fold(Op(*found))) {
        erase(i);
      } else {
        ++i;
      }
    }
  }

  void rename_aliases() {
    fold_each<Alias>([this](const Alias& alias) {
      for (Node& node : graph_.nodes) {
        for_each_input(node.op, [&](TensorId& input) {
          if (input == alias.output) input = alias.input;
        });
      }
      std::replace(graph_.outputs.begin(), graph_.outputs.end(), alias.output, alias.input);
      return true;
    });
  }

  void fold_padding() {
    fold_each<Padding>([this](const Padding& pad) {
      if (!only_convolutions_read(pad.output, pad)) return false;
      for (Node& node : graph_.nodes) {
        auto* conv = std::get_if<Convolution>(&node.op);
        if (conv == nullptr || conv->input != pad.output) continue;
        conv->input = pad.input;
        conv->window.pad_top += pad.top;
        conv->window.pad_left += pad.left;
      }
      return true;
    });
  }

  // A pad wider than the window would put whole windows outside the image: it is not folded.
  bool only_convolutions_read(TensorId id, const Padding& pad) {
    if (std::count(graph_.outputs.begin(), graph_.outputs.end(), id) != 0) return false;
    for (Node& node : graph_.nodes) {
      const auto* conv = std::get_if<Convolution>(&node.op);
      bool reads = false, fits = false;
      for_each_input(node.op, [&](TensorId input) { reads |= input == id; });
      if (!reads) continue;
      if (conv != nullptr && conv->input == id && conv->residual != id) {
        const Window& w = conv->window;
        const int reach_h = (w.kernel_h - 1) * w.dilation_h;
        const int reach_w = (w.kernel_w - 1) * w.dilation_w;
        // A fully connected layer has no kernels to shift, and is recognised by its weights' shape.
        const Shape& result = result_shape(*conv, graph_.tensors[conv->output]);
        fits = pad.top + w.pad_top <= reach_h && pad.left + w.pad_left <= reach_w &&
               pad.bottom <= reach_h && pad.right <= reach_w &&
               !is_fully_connected(*conv, graph_.tensors[id], result);
      }
      if (!fits) return false;
    }
    return true;
  }

  // The tensor that is multiplied by its own sigmoid.
  void fold_gates() {
    fold_each<CurveOp>([this](const CurveOp& gate) {
      if (gate.curve != Curve::kSigmoid || readers(graph_, gate.output) != 1) return false;
      for (Node& node : graph_.nodes) {
        const auto* product = std::get_if<Multiplication>(&node.op);
        if (product == nullptr || product->activation != Activation::kNone) continue;
        if (std::minmax(product->a, product->b) != std::minmax(gate.input, gate.output)) continue;
        node.op = CurveOp{gate.input, product->output, Curve::kSilu};
        return true;
      }
      return false;
    });
  }

  void fold_resizes() {
    fold_each<Resize>([this](const Resize& first) {
      auto* second = only_reader<Resize>(first.output);
      if (second == nullptr) return false;
      second->input = first.input;
      for (int& row : second->rows) row = first.rows[row];
      for (int& column : second->columns) column = first.columns[column];
      return true;
    });
  }

  void fold_scalings() {
    fold_each<Scaling>([this](const Scaling& first) {
      auto* second = only_reader<Scaling>(first.output);
      if (second == nullptr || first.activation != Activation::kNone) return false;
      for (std::size_t c = 0; c < first.shifts.size(); ++c) {
        const float moved = first.shifts[c] * second->scales[c];
        const float sum = moved + second->shifts[c];
        if (std::min(std::abs(moved), std::abs(sum)) > kMostShift) return false;
      }
      second->input = first.input;
      for (std::size_t c = 0; c < first.scales.size(); ++c) {
        second->shifts[c] += first.shifts[c] * second->scales[c];
        second->scales[c] *= first.scales[c];
      }
      return true;
    });
  }

  void fold_curves() {
    fold_each<CurveOp>([this](const CurveOp& curve) {
      const auto index = producer(curve.input);
      if (!index || readers(graph_, curve.input) != 1) return false;
      auto* conv = std::get_if<Convolution>(&graph_.nodes[*index].op);
      if (conv == nullptr || conv->activation != Activation::kNone || conv->curve ||
          conv->pooling ||
          is_fully_connected(*conv, graph_.tensors[conv->input], graph_.tensors[conv->output])) {
        return false;
      }
      conv->curve = CurveOp{kNoTensor, kNoTensor, curve.curve, curve.slopes};
      conv->output = curve.output;
      return true;
    });
  }

  void fold_activations() {
    fold_each<ActivationOp>([this](const ActivationOp& op) {
      Activation* slot = free_activation(op.input);
      if (slot == nullptr) return false;
      *slot = op.activation;
      set_output(graph_.nodes[*producer(op.input)].op, op.output);
      return true;
    });
  }

  // The activation of the node that writes `id`, if it has none yet and nobody else reads `id`.
  Activation* free_activation(TensorId id) {
    const auto index = producer(id);
    if (!index || readers(graph_, id) != 1) return nullptr;
    return std::visit(
        [](auto& op) -> Activation* {
          // An ActivationOp without an activation is a copy that somebody wants.
          if constexpr (std::is_same_v<decltype(op), ActivationOp&>) return nullptr;
          if constexpr (requires { op.curve; } && requires { op.window; }) {
            if (op.curve || op.pooling) return nullptr;
          }
          if constexpr (requires { op.activation; }) {
            return op.activation == Activation::kNone ? &op.activation : nullptr;
          }
          return nullptr;
        },
        graph_.nodes[*index].op);
  }

  void fold_additions() {
    fold_each<Addition>([this](const Addition& add) { return fold_addition(add); });
  }

  bool fold_addition(Addition add) {
    if (add.a == add.b) return false;
    auto index_a = producer(add.a), index_b = producer(add.b);
    // The later producer takes the sum, since the other operand is known by then.
    if (!index_a || (index_b && *index_b > *index_a)) {
      std::swap(index_a, index_b);
      std::swap(add.a, add.b);
    }
    if (!index_a) return false;
    auto* conv = std::get_if<Convolution>(&graph_.nodes[*index_a].op);
    if (conv == nullptr || conv->activation != Activation::kNone || conv->residual != kNoTensor ||
        conv->curve || conv->pooling || readers(graph_, add.a) != 1) {
      return false;
    }
    conv->residual = add.b;
    conv->activation = add.activation;
    conv->output = add.output;
    return true;
  }

  void fold_poolings() {
    fold_each<Pooling>([this](const Pooling& pool) { return fold_pooling(pool); });
  }

  // Rows that two threads both read are computed twice: at most one is allowed.
  bool fold_pooling(const Pooling& pool) {
    const auto index = producer(pool.input);
    const Shape& map = graph_.tensors[pool.input];
    if (!index || readers(graph_, pool.input) != 1 || map.elements() < kLeastPooled ||
        graph_.tensors[pool.output].height < kLeastPooledRows ||
        pool.window.kernel_h > pool.window.stride_h + 1) {
      return false;
    }
    auto* conv = std::get_if<Convolution>(&graph_.nodes[*index].op);
    if (conv == nullptr || conv->depthwise || conv->pooling || conv->curve ||
        conv->residual != kNoTensor ||
        is_fully_connected(*conv, graph_.tensors[conv->input], map)) {
      return false;
    }
    conv->pooling = FusedPooling{map, pool.mode, pool.window, pool.activation};
    conv->output = pool.output;
    return true;
  }

  Graph graph_;
};

}  // namespace

Graph fuse(const Graph& graph) { return Fuser(graph).run(); }

}  // namespace patternlite
