// Union-find.
#pragma once

#include <vector>

#include "engine/support/counted.h"

namespace patternlite {

// The elements 0 ... size - 1, each in a set of its own until it is joined to others.
class DisjointSets {
 public:
  explicit DisjointSets(int size) : nearer_(counted(size)) {}

  // The element that represents this one's set, until that is joined to another.
  int of(int element) {
    while (nearer_[element] != element) {
      element = nearer_[element] = nearer_[nearer_[element]];
    }
    return element;
  }
  void join(int element, int other) { nearer_[of(element)] = of(other); }

 private:
  std::vector<int> nearer_;  // another element of the set, nearer to its representative
};

}  // namespace patternlite
