#include "engine/plan/chains.h"

#include <algorithm>

#include "engine/graph/visit.h"
#include "engine/support/split.h"

namespace patternlite {
namespace {

constexpr int kMostParts = 64;  // in a thread's share
constexpr int kMostLinks = 8;   // longer chains would have to be tried from every possible start
// Least vectors in a share: with fewer, some threads have nothing to do, or half as much.
constexpr int kLeastUnits = 2;
// Rows of a tensor that two threads both need are computed twice: at most this share of them.
constexpr double kMostTwice = 0.25;

class ChainFinder {
 public:
  ChainFinder(const Graph& graph, const std::vector<PlanarLayout>& layouts,
              const std::function<const PackedConvolution*(int)>& packed, int threads,
              const ChainLimits& limits)
      : graph_(graph), layouts_(layouts), packed_(packed), threads_(threads), limits_(limits) {}

  std::vector<Chain> find() const {
    std::vector<Chain> chains;
    const int nodes = static_cast<int>(graph_.nodes.size());
    for (int first = 0; first < nodes;) {
      int last = first;
      while (last + 1 < nodes && last + 1 - first < kMostLinks && linked(last)) ++last;
      Chain chain{.first = first};
      while (last > first && !cut(chain, last)) --last;
      if (last > first) chains.push_back(std::move(chain));
      first = last + 1;
    }
    return chains;
  }

 private:
  const Convolution& convolution(int node) const {
    return std::get<Convolution>(graph_.nodes[node].op);
  }
  const PlanarLayout& output_layout(int node) const {
    return layouts_[output_of(graph_.nodes[node].op)];
  }

  // Whether a node's output need not be held as a whole: only the next node reads it, and if that
  // is the 1x1 convolution behind a depthwise one, it reads no zeros around it.
  bool linked(int node) const {
    const PackedConvolution *producer = packed_(node), *consumer = packed_(node + 1);
    if (!producer || !consumer || !producer->by_rows() || !consumer->by_rows()) return false;
    const Convolution &conv = convolution(node), &next = convolution(node + 1);
    const bool expands = is_pointwise(conv) && producer->by_positions() && next.depthwise;
    const bool projects =
        conv.depthwise && is_pointwise(next) &&
        !reads_zeros(next, output_layout(node).shape, output_layout(node + 1).shape);
    const bool pools =
        next.pooling && next.pooling->window.kernel_h <= next.pooling->window.stride_h &&
        !conv.pooling && !conv.depthwise && bytes_of(node) >= limits_.least_pooled_bytes;
    return (expands || projects || pools) && next.input == conv.output &&
           readers(graph_, conv.output) == 1 && conv.residual == kNoTensor;
  }

  std::size_t bytes_of(int node) const {
    const PlanarLayout& layout = output_layout(node);
    return layout.plane() * layout.shape.channels * sizeof(float);
  }

  static bool is_pointwise(const Convolution& conv) {
    return conv.window.kernel_h == 1 && conv.window.kernel_w == 1 && !conv.depthwise;
  }

  // Cuts into as few parts as the limits allow; fails if even those are too many.
  bool cut(Chain& chain, int last) const {
    const bool by_positions = packed_(last)->by_positions();
    if (!by_positions && !convolution(last).pooling) return false;
    if (!worthwhile(chain.first, last)) return false;
    const PlanarLayout& output = output_layout(last);
    const int positions = output.positions(), rows = kHalfVector * output.pitch();
    const int least = by_positions ? kVector : output.pitch();
    const int units = (positions + least - 1) / least, shares = std::min(threads_, units);
    if (by_positions && units < kLeastUnits * threads_) return false;
    for (int parts = 1; parts <= kMostParts; ++parts) {
      // Whole rows, if they divide evenly.
      const bool even = positions % (rows * shares) == 0 && positions / rows >= parts * shares;
      const int unit = even && by_positions ? rows : least;
      chain.shares.clear();
      for (int share = 0; share < shares; ++share) {
        const auto [begin, end] = range_of(positions, shares, share, unit);
        auto& ranges = chain.shares.emplace_back();
        for (int part = 0; part < parts; ++part) {
          const auto [from, to] = range_of(end - begin, parts, part, unit);
          if (from < to) ranges.push_back({begin + from, begin + to});
        }
      }
      if (fits(chain, last)) return reads_little_again(chain, last);
    }
    return false;
  }

  bool reads_little_again(const Chain& chain, int last) const {
    std::size_t parts = 0, weights = 0, saved = 0;
    for (const auto& ranges : chain.shares) parts += ranges.size();
    for (int node = chain.first; node <= last; ++node) weights += packed_(node)->weight_bytes();
    for (int node = chain.first; node < last; ++node) saved += 2 * bytes_of(node);
    const std::size_t again = (parts - chain.shares.size()) * weights;
    return static_cast<double>(again) <= limits_.most_read_again * static_cast<double>(saved);
  }

  bool worthwhile(int first, int last) const {
    if (threads_ > 1) return true;
    for (int node = first; node < last; ++node) {
      if (bytes_of(node) >= limits_.least_bytes) return true;
    }
    return false;
  }

  // Also sets the windows.
  bool fits(Chain& chain, int last) const {
    chain.windows.assign(last - chain.first, 0);
    std::vector<int> computed(chain.windows.size());
    for (const auto& ranges : chain.shares) {
      for (const Range positions : ranges) {
        std::size_t held = pooled_bytes(last, positions);
        for_each_window(chain, last, positions, [&](int link, Range rows) {
          const PlanarLayout& layout = output_layout(chain.first + link);
          held += sizeof(float) * rows.count() * layout.pitch() * layout.shape.channels;
          chain.windows[link] = std::max(chain.windows[link], rows_to_hold(rows, layout));
        });
        if (held > limits_.most_bytes) return false;
      }
      for_each_window(chain, last, {ranges.front().begin, ranges.back().end},
                      [&](int link, Range rows) { computed[link] += rows.count(); });
    }
    for (std::size_t link = 0; link < computed.size(); ++link) {
      const int height = output_layout(chain.first + static_cast<int>(link)).shape.height;
      if (computed[link] > (1 + kMostTwice) * height) return false;
    }
    return true;
  }

  // The bytes of the last node's own result that these positions need, if it is pooled.
  std::size_t pooled_bytes(int last, Range positions) const {
    const auto& pooling = convolution(last).pooling;
    if (!pooling) return 0;
    const Range rows =
        rows_read(pooling->window, rows_of(positions, output_layout(last)), pooling->input.height);
    return sizeof(float) * rows.count() * pooling->input.width * pooling->input.channels;
  }

  // Calls body(link, rows) for each link except the last, with the rows that these positions of the
  // last one need.
  template <typename Body>
  void for_each_window(const Chain& chain, int last, Range positions, const Body& body) const {
    Range rows = rows_of(positions, output_layout(last));
    for (int node = last; node > chain.first; --node) {
      rows = rows_read(convolution(node), rows, output_layout(node - 1).shape.height);
      body(node - 1 - chain.first, rows);
    }
  }

  const Graph& graph_;
  const std::vector<PlanarLayout>& layouts_;
  const std::function<const PackedConvolution*(int)>& packed_;
  int threads_;
  const ChainLimits& limits_;
};

}  // namespace

std::vector<Chain> find_chains(const Graph& graph, const std::vector<PlanarLayout>& layouts,
                               const std::function<const PackedConvolution*(int)>& packed,
                               int threads, const ChainLimits& limits) {
  return ChainFinder(graph, layouts, packed, threads, limits).find();
}

int window_of(const std::vector<Chain>& chains, int node) {
  for (const Chain& chain : chains) {
    if (node >= chain.first && node < chain.last()) return chain.windows[node - chain.first];
  }
  return 0;
}

}  // namespace patternlite
