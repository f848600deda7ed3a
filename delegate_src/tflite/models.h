// What a delegate remembers of each model that it is applied to, since some runtimes undo it at a
// resize, together with its kernels, to apply it anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/plan/tune_budget.h"
#include "engine/recognise/decision.h"
#include "engine/support/thread_pool.h"
#include "tflite/model_graphs.h"
#include "tflite/partitions.h"

namespace patternlite::tflite {

// What became of one of a model's graphs.
struct GraphReport {
  std::vector<LayerReport> layers{};
  std::size_t activation_bytes = 0;
  std::vector<Claim> claims{};
};

// What the graphs of a model share, but not interpreters, which may run at the same time.
struct Model {
  std::uint64_t constants = 0;  // a hash: another model's first graph may come to lie where one was
  std::shared_ptr<TuneBudget> budget{};
  int threads = 0;                       // asked for; the system may grant fewer
  std::weak_ptr<Parallel> pool{};        // the kernels own it
  std::map<int, GraphReport> reports{};  // of its graphs
  std::set<std::string> told{};

  // Those of the kernels that run now, if they are as many.
  std::shared_ptr<Parallel> threads_for(int count);
};

class Models {
 public:
  // The model of a graph to which the delegate is being applied. `again`: it was undone there.
  Model& of(const GraphPlace& place, bool again, int tune_budget_ms);

  // The reports of the model to which the delegate was last applied.
  const std::map<int, GraphReport>& reports() const;

 private:
  std::map<const TfLiteContext*, Model> models_;  // by their first graphs
  const Model* last_ = nullptr;
};

}  // namespace patternlite::tflite
