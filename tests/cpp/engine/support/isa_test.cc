// Which kernels the process uses.
#include "engine/support/isa.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace patternlite::test {
namespace {

TEST(Isa, CanBeForcedByName) {
  for (const std::string& name : available_isas()) {
    force_isa(name);
    EXPECT_EQ(best_kernels().isa, name);
  }
  force_isa("");
  EXPECT_THROW(force_isa("sse9"), std::invalid_argument);
}

[[noreturn]] void exit_with_variable(const char* value) {
  setenv("PATTERNLITE_ISA", value, 1);
  try {
    best_kernels();
  } catch (const std::invalid_argument&) {
    std::_Exit(1);
  }
  std::_Exit(0);
}

TEST(IsaDeathTest, AnEmptyVariableIsNone) {
  EXPECT_EXIT(exit_with_variable(""), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(exit_with_variable("none"), testing::ExitedWithCode(1), "");
}

}  // namespace
}  // namespace patternlite::test
