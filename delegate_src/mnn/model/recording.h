// The operators of a session that could run here, in the order in which MNN resizes them, which is
// also the order of execution.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "mnn/abi/engine_handle.h"
#include "mnn/model/convolution_layer.h"
#include "mnn/model/map_tensor.h"

namespace patternlite::mnn {

class SessionProgram;

// Where an Execution finds its part of the program: the program, and its node's number.
struct Place {
  std::shared_ptr<SessionProgram> program;  // null: not compiled yet
  int node = 0;
};

struct RecordedNode {
  std::vector<Operator> ops;     // of the recording's tensors; convolutions without weights
  std::vector<TensorId> inputs;  // in MNN's order; kNoTensor: a constant
  TensorId output = kNoTensor;
  std::shared_ptr<Place> place{};
  // For a convolution; other nodes run here only if that saves moving tensors.
  std::shared_ptr<const ConvolutionLayer> layer{};
  bool beside_others = false;     // runs here only if a layer without this mark does
  std::optional<double> gain{};   // what it saves; if set, it runs here only in a run that pays
  std::size_t row = 0;            // in the session's log
  bool only_moves = false;        // computes nothing, so it may run before the first layer
  bool stock_has_memory = false;  // MNN's own Execution has allocated memory
  bool only_here = false;         // MNN has nothing to run in its place
};

struct RecordedTensor {
  MapTensor map;                  // without its memory
  int readers = 0;                // among all operators of the session
  bool outside = false;           // read or written outside the network, too
  std::vector<float> constant{};  // if each channel is filled with one: these
};

class Recording {
 public:
  explicit Recording(const EngineHandle& engine) : engine_(engine) {}

  // The id of a tensor that holds maps, always the same. Its producer must ask for it first, since
  // MNN counts readers down as it goes on.
  TensorId tensor(const abi::Tensor& tensor);
  // The id of a new tensor between the operators of one node.
  TensorId between(const Shape& shape);
  void set_constant(TensorId id, std::vector<float> of_channels);
  void add(RecordedNode node);
  void clear();

  bool empty() const { return nodes_.empty(); }
  const EngineHandle& engine() const { return engine_; }
  const std::vector<RecordedNode>& nodes() const { return nodes_; }
  const std::vector<RecordedTensor>& tensors() const { return tensors_; }

 private:
  const EngineHandle& engine_;
  std::vector<RecordedNode> nodes_;
  std::vector<RecordedTensor> tensors_;
  std::map<const abi::Tensor*, TensorId> ids_;
};

}  // namespace patternlite::mnn
