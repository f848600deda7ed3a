// Test suites that run once for every kernel table this machine can run.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace patternlite::test {

class IsaTest : public ::testing::TestWithParam<const kernels::KernelTable*> {
 protected:
  static const kernels::KernelTable& table() { return *GetParam(); }
};

inline std::vector<const kernels::KernelTable*> all_tables() {
  const kernels::KernelTables tables = kernels::available_kernels();
  return {tables.table, tables.table + tables.count};
}

inline std::string isa_name(const ::testing::TestParamInfo<const kernels::KernelTable*>& info) {
  return info.param->isa;
}

}  // namespace patternlite::test

#define INSTANTIATE_ISA_TESTS(suite)                                                           \
  INSTANTIATE_TEST_SUITE_P(Isa, suite, ::testing::ValuesIn(::patternlite::test::all_tables()), \
                           ::patternlite::test::isa_name)
