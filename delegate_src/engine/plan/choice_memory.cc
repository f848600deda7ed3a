#include "engine/plan/choice_memory.h"

#include <mutex>
#include <unordered_map>

namespace patternlite {
namespace {

// Enough for hundreds of models. Beyond that all choices are forgotten, and timed once more.
constexpr std::size_t kMostChoices = 1 << 14;

struct Remembered {
  ConvKernel kernel;
  double budget;
};

struct Memory {
  std::mutex mutex;
  std::unordered_map<std::uint64_t, Remembered> choices;
};

Memory& memory() {
  static Memory memory;
  return memory;
}

}  // namespace

std::optional<ConvKernel> recall_choice(std::uint64_t key, double budget) {
  const std::lock_guard lock(memory().mutex);
  const auto found = memory().choices.find(key);
  if (found == memory().choices.end() || found->second.budget < budget) return std::nullopt;
  return found->second.kernel;
}

void remember_choices(const ChosenKernels& choices, double budget) {
  const std::lock_guard lock(memory().mutex);
  if (memory().choices.size() + choices.size() > kMostChoices) memory().choices.clear();
  for (const auto& [key, kernel] : choices) {
    Remembered& known = memory().choices.try_emplace(key, kernel, budget).first->second;
    if (known.budget <= budget) known = {kernel, budget};
  }
}

void forget_choices() {
  const std::lock_guard lock(memory().mutex);
  memory().choices.clear();
}

}  // namespace patternlite
