// Counting bits is much of the work of recognising and grouping, and the x86-64 baseline has no
// instruction for it: functions marked so are compiled twice.
#pragma once

#if defined(__x86_64__) && defined(__ELF__) && !defined(__SANITIZE_THREAD__)
#define PL_WITH_POPCNT __attribute__((target_clones("popcnt", "default")))
#else
#define PL_WITH_POPCNT
#endif
