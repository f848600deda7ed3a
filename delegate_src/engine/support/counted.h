// Lists of numbers, of cells or channels.
#pragma once

#include <numeric>
#include <vector>

namespace patternlite {

// 0, 1, 2 ... size - 1.
inline std::vector<int> counted(int size) {
  std::vector<int> all(size);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

// The same with each number repeated so many times.
inline std::vector<int> each_repeated(int size, int times) {
  std::vector<int> all;
  all.reserve(static_cast<std::size_t>(size) * times);
  for (int i = 0; i < size; ++i) all.insert(all.end(), times, i);
  return all;
}

}  // namespace patternlite
