// To be preloaded: libstdc++'s steady clock, a millisecond later each time that it is read.
#include <stdatomic.h>
#include <stdint.h>

static atomic_int reads;

int64_t _ZNSt6chrono3_V212steady_clock3nowEv(void) { return ++reads * INT64_C(1000000); }

int clock_reads(void) { return reads; }
