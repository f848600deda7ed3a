// Counting bits is much of the work of recognising and grouping, and the x86-64 baseline has no
// instruction for it: functions marked with this macro are compiled twice.
//
// The loader chooses between them, which needs glibc and does not work under TSan.
#pragma once

#include <cstdlib>  // defines __GLIBC__

#ifdef __has_feature
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__
#endif
#endif

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_THREAD__)
#define PL_WITH_POPCNT __attribute__((target_clones("popcnt", "default")))
#else
#define PL_WITH_POPCNT
#endif
