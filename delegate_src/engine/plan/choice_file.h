// Choices of kernels (found by timing if there was time), kept in a file between processes. On
// another machine or in another build, layers have other keys and files other names, so files from
// there are not read.
//
//   patternlite choices 1
//   for patternlite 0.1.0 7d0c2f4be1a65390, avx512, AMD EPYC 9R14 (10489617)
//   00c1f0dd5b2f7a31 os-g2
//   ...
//   end 5d0e13bb8c6f20a4
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "engine/plan/choice_memory.h"

namespace patternlite {

// The file in `directory` for layers with these keys: each set of layers has its own.
std::string choice_file(const std::string& directory, const std::set<std::uint64_t>& keys);

// None if there is no such file. Throws std::runtime_error, saying what is wrong, if it is damaged
// or was written for another machine.
std::optional<ChosenKernels> read_choices(const std::string& path, const std::string& machine);

// Anyone who reads meanwhile sees the old file or the new one. Also removes what writers that were
// killed left beside it more than an hour ago. Throws std::runtime_error.
void write_choices(const std::string& path, const std::string& machine,
                   const ChosenKernels& choices);

}  // namespace patternlite
