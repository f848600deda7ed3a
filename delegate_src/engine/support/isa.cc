#include "engine/support/isa.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace patternlite {
namespace {

std::atomic<const kernels::KernelTable*> forced{nullptr};

}  // namespace

std::vector<std::string> available_isas() {
  const kernels::KernelTables tables = kernels::available_kernels();
  std::vector<std::string> names;
  for (int i = 0; i < tables.count; ++i) names.emplace_back(tables.table[i]->isa);
  return names;
}

std::string known_isas() {
  std::string known;
  for (const std::string& isa : available_isas()) known += (known.empty() ? "" : ", ") + isa;
  return known;
}

const kernels::KernelTable& kernels_named(const std::string& name) {
  if (const kernels::KernelTable* found = kernels::find_kernels(name.c_str())) return *found;
  throw std::invalid_argument("unknown ISA '" + name + "': this machine has " + known_isas());
}

const kernels::KernelTable& best_kernels() {
  if (const kernels::KernelTable* table = forced.load()) return *table;
  if (const char* name = std::getenv("PATTERNLITE_ISA"); name != nullptr && *name != '\0') {
    if (const kernels::KernelTable* found = kernels::find_kernels(name)) return *found;
    throw std::invalid_argument("PATTERNLITE_ISA names the unknown ISA '" + std::string(name) +
                                "': unset it, or give one of " + known_isas());
  }
  const kernels::KernelTables tables = kernels::available_kernels();
  return *tables.table[tables.count - 1];
}

void force_isa(const std::string& name) { forced = name.empty() ? nullptr : &kernels_named(name); }

}  // namespace patternlite
