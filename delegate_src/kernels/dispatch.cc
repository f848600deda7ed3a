// Which of the compiled ISAs this machine can run.
#include "kernels/kernels.h"

namespace patternlite::kernels {

namespace generic {
extern const KernelTable kTable;
}
#ifdef PL_HAVE_avx2
namespace avx2 {
extern const KernelTable kTable;
}
#endif
#ifdef PL_HAVE_avx512
namespace avx512 {
extern const KernelTable kTable;
}
#endif

KernelTables available_kernels() {
  KernelTables tables{};
  const auto add = [&](const KernelTable& table) { tables.table[tables.count++] = &table; };
  add(generic::kTable);
#ifdef PL_HAVE_avx2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) add(avx2::kTable);
#endif
#ifdef PL_HAVE_avx512
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    add(avx512::kTable);
  }
#endif
  return tables;
}

const KernelTable* find_kernels(const char* isa) {
  const KernelTables tables = available_kernels();
  for (int i = 0; i < tables.count; ++i) {
    if (!__builtin_strcmp(tables.table[i]->isa, isa)) return tables.table[i];
  }
  return nullptr;
}

}  // namespace patternlite::kernels
