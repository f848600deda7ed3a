// The tables are complete, ordered and found by name.
#include <gtest/gtest.h>

#include <string>

#include "isa_test.h"

namespace patternlite::test {
namespace {

TEST(DispatchTest, GenericComesFirstAndLanesGrow) {
  const auto tables = all_tables();
  ASSERT_FALSE(tables.empty());
  EXPECT_STREQ(tables[0]->isa, "generic");
  for (std::size_t i = 1; i < tables.size(); ++i) EXPECT_GT(tables[i]->lanes, tables[i - 1]->lanes);
}

TEST(DispatchTest, FindsByName) {
  for (const kernels::KernelTable* table : all_tables()) {
    EXPECT_EQ(kernels::find_kernels(table->isa), table);
    EXPECT_EQ(table->is_positions % table->lanes, 0);
    EXPECT_GE(table->is_accumulators, table->is_positions);
  }
  EXPECT_EQ(kernels::find_kernels("mmx"), nullptr);
  EXPECT_EQ(kernels::find_kernels(""), nullptr);
}

}  // namespace
}  // namespace patternlite::test
