// The delegate's options. They arrive as strings, from `tflite.load_delegate(path, {...})` or
// Python.
#pragma once

#include <map>
#include <string>

#include "engine/plan/tune_budget.h"
#include "kernels/kernels.h"

namespace patternlite::tflite {

struct Options {
  int num_threads = 0;                            // 0: what the interpreter recommends, else 1
  const kernels::KernelTable* kernels = nullptr;  // isa; null: the process's default
  int max_delegated_partitions = 0;               // 0: any number
  int min_nodes_per_partition = 1;
  bool force = false;                  // also take what the stock runtime is expected to run faster
  int tune_budget_ms = kTuneBudgetMs;  // for an interpreter, all its graphs and sizes
  std::string serialize_dir;           // delegate_serialize_dir: where its results are kept
};

// Throws std::invalid_argument that lists the known options, or what the option takes.
Options parse_options(const std::map<std::string, std::string>& strings);

}  // namespace patternlite::tflite
