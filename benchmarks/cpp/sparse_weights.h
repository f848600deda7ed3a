// Random pattern-sparse weights of one layer, with the group structures that pruning can ask for.
#pragma once

#include <vector>

namespace patternlite {

// What filters share. Group: `size` fixed filters share all choices of (channel, pattern). Chunks:
// of each channel and pattern, any `size` filters at a time out of a block of 128.
struct Structure {
  const char* name;
  enum { kGroup, kChunks } kind;
  int size;
};
inline constexpr Structure kStructures[] = {{"g1", Structure::kGroup, 1},
                                            {"g2", Structure::kGroup, 2},
                                            {"g4", Structure::kGroup, 4},
                                            {"g16", Structure::kGroup, 16},
                                            {"c4", Structure::kChunks, 4}};

// [filters][channels][9]: 4 of 9 taps in one of PatDNN's 8 patterns in the kernels that stay;
// 1 / density of all weights are kept.
std::vector<float> sparse_weights(int filters, int channels, int density,
                                  const Structure& structure);

}  // namespace patternlite
