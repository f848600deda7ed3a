#include "engine/plan/choice_memory.h"

#include <mutex>
#include <unordered_map>

namespace patternlite {
namespace {

// Hundreds of models. Beyond, all are forgotten and a choice costs its timing once more.
constexpr std::size_t kMostChoices = 1 << 14;

struct Memory {
  std::mutex mutex;
  std::unordered_map<std::uint64_t, ConvKernel> choices;
};

Memory& memory() {
  static Memory memory;
  return memory;
}

}  // namespace

std::optional<ConvKernel> recall_choice(std::uint64_t key) {
  const std::lock_guard lock(memory().mutex);
  const auto found = memory().choices.find(key);
  return found == memory().choices.end() ? std::nullopt : std::optional(found->second);
}

void remember_choices(const ChosenKernels& choices) {
  const std::lock_guard lock(memory().mutex);
  if (memory().choices.size() + choices.size() > kMostChoices) memory().choices.clear();
  for (const auto& [key, kernel] : choices) memory().choices[key] = kernel;
}

void forget_choices() {
  const std::lock_guard lock(memory().mutex);
  memory().choices.clear();
}

}  // namespace patternlite
