#include "engine/graph/rewrite.h"

#include "engine/graph/fuse.h"
#include "engine/graph/pad_apart.h"

namespace patternlite {

Graph rewrite(const Graph& graph) {
  Graph rewritten = pad_apart(fuse(graph));
  validate_sizes(rewritten);
  return rewritten;
}

Reading rewritten(const Window& window, const Shape& input, const Shape& output) {
  Reading now{window, input};
  if (has_wide_pads(window, input, output)) {
    now.window.pad_top = now.window.pad_left = 0;
    now.input = padded_shape(window, input, output);
  }
  return now;
}

}  // namespace patternlite
