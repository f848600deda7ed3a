// Which kernels the process uses.
#include "engine/support/isa.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace patternlite::test
