// The operators of a session that could run here, in the order in which MNN resizes them: that in
// which they will be executed.
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

// Where an Execution finds its part of the program; its node's number.
struct Place {
  std::shared_ptr<SessionProgram> program;  // null: not compiled yet
  int node = 0;
};

struct RecordedNode {
  std::vector<Operator> ops;     // of the recording's tensors; convolutions without weights
  std::vector<TensorId> inputs;  // as MNN hands them; kNoTensor: a constant
  TensorId output = kNoTensor;
  std::shared_ptr<Place> place{};
  // Of a convolution; other nodes run here only where that saves moving tensors.
  std::shared_ptr<const ConvolutionLayer> layer{};
  bool beside_others = false;     // the layer runs here only if one that is not so does
  std::optional<double> gain{};   // and only in a run of layers that pays: what it saves
  std::size_t row = 0;            // in the session's log
  bool only_moves = false;        // computes nothing: may as well run before the first layer
  bool stock_has_memory = false;  // that MNN's own took for what it does
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

  // The same id for the same tensor, which holds maps. To be asked for by its producer first: MNN
  // counts readers down as it goes.
  TensorId tensor(const abi::Tensor& tensor);
  // Between the operators of one node.
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
