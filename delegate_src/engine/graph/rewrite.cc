#include "engine/graph/rewrite.h"

#include "engine/graph/fuse.h"
#include "engine/graph/pad_apart.h"
#include "engine/graph/pitch.h"

namespace patternlite {

Graph rewrite(const Graph& graph) {
  Graph rewritten = pad_apart(fuse(graph));
  validate_sizes(rewritten);
  return rewritten;
}

LoneConvolution lay_out_alone(const Window& window, const Shape& input, const Shape& output) {
  LoneConvolution lone{window, {input}, {output}};
  if (has_wide_pads(window, input, output)) {
    lone.window.pad_top = lone.window.pad_left = 0;
    lone.input.shape = padded_shape(window, input, output);
  }
  lone.input.border = lone.output.border = required_border(lone.window, lone.input.shape, output);
  if (may_keep_pitch(lone.window, lone.input.shape, output)) {
    lone.output = at_pitch_of(lone.input, output);
  }
  return lone;
}

}  // namespace patternlite
