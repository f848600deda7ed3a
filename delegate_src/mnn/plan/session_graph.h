// The recorded operators that run here, as one engine graph, fused and laid out.
#pragma once

#include <vector>

#include "engine/plan/memory_plan.h"
#include "mnn/model/recording.h"

namespace patternlite::mnn {

// One thing to do at a recorded node's place in the session.
struct SessionNode {
  enum class Kind { kImport, kOperator, kExport };
  Kind kind;
  int recorded;                 // the node's number in the recording
  TensorId tensor;              // written or exported: MNN's tensor and ours have the same number
  Node node;                    // kOperator
  TensorId clears = kNoTensor;  // the tensor whose borders must be made zero just before
};

struct SessionGraph {
  std::vector<SessionNode> nodes;     // in execution order
  std::vector<bool> runs;             // [recorded]: here, not in MNN
  std::vector<bool> runs_in_mnn_too;  // [recorded]: those of them that MNN runs as well
  MemoryPlan plan;
  int fused_additions = 0;
  int private_tensors = 0;  // between our operators, never in MNN's layout
};

SessionGraph make_session_graph(const Recording& recording);

}  // namespace patternlite::mnn
