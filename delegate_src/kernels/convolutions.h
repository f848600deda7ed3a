// Parameter blocks of the convolution kernels. kernels.h explains the terms.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace patternlite::kernels {

// Filters of one layer that are packed in the same way: `groups` groups of G filters each.
struct TapStream {
  const int32_t* start;      // [groups + 1]: group g owns taps start[g] .. start[g + 1] - 1
  const int32_t* offset;     // [taps]: input element offset of each tap (channel, row and column)
  const float* weights;      // [taps][G], 64-byte aligned
  const float* bias;         // [groups][G]
  const int32_t* out_plane;  // [groups][G]: element offset of the output plane; -1: no filter
};

// What happens to a sum before it is stored: the residual (if any) is added, then it is clamped.
// NaN stays NaN.
struct Epilogue {
  // Planar, the output's geometry (same plane offsets), or null. Not the output itself.
  const float* residual;
  float low, high;  // -inf / +inf when there is no activation
};

// What part of the input to prefetch for the next positions; 0 channels if tensors fit the caches.
struct FetchAhead {
  int channels;
  size_t plane;  // elements between them
  int reach;     // the farthest tap within a plane
};

// Output-stationary (OS): vectors of consecutive *virtual* positions (pad columns included), G = 1,
// 2 or 4 filters. Stride 1 only, or an input split into phases; input and output have one pitch.
// Positions are counted from row 0, column 0; `mask` makes the pad columns and the tail zero, so
// that borders stay zero.
struct ConvOs {
  const float* input;
  float* output;
  TapStream stream;
  Epilogue epilogue;
  const int32_t* mask;  // [positions rounded up to 16], -1 for a real position, 0 for a pad
  FetchAhead ahead;
  // Also prefetch the inputs of every n-th (1 or 2) later tap; 0: of none. Offsets of kOsTapsAhead
  // more taps must be readable.
  int fetch_taps;
  int group_begin, group_end;
  int position_begin, position_end;  // multiples of 8
};

inline constexpr int kOsTapsAhead = 16;

// Makes what OS reads at stride 2: each channel split into planes of every second row and column,
// so that the inputs of neighbouring output positions are neighbours. Whole vectors are copied,
// whatever lies behind the last column: it must be readable in the input, and in a plane it is
// overwritten later, or lies behind the last plane.
struct SplitPhase {
  int32_t source;     // element offset of its first element from a channel's row 0, column 0
  int32_t more_rows;  // how many more rows than the output it has
};
struct SplitPhases {
  const float* input;
  float* output;            // the first element of the first plane
  const SplitPhase* phase;  // [phases]
  int phases, channels;
  size_t input_plane, output_plane;  // elements between channels, and between planes
  int input_pitch, output_pitch;
  int columns;
  int row_begin, row_end;  // output rows
};

inline constexpr int kBcFilters = 16;  // in a group

// Groups of 16 filters whose taps are joined to *runs*: each tap of a run lies input_column_step
// behind the one before, so that one input serves all taps of a run, at neighbouring positions.
struct RunStream {
  // [groups * kBcMaxRun + 1]: group g owns runs start[g * kBcMaxRun] .., those of 1 tap first, then
  // those of 2, then of 3.
  const int32_t* start;
  const int32_t* first_tap;  // [groups]: where the weights of the group begin
  const int32_t* offset;     // [runs + kBcRunsAhead]: input element offset of the first tap
  const float* weights;      // [taps][16], 64-byte aligned, in the order of the runs
  const float* bias;         // [groups][16]
  const int32_t* out_plane;  // [groups][16]; -1: no filter
};
inline constexpr int kBcMaxRun = 3;
inline constexpr int kBcRunsAhead =
    8;  // whose inputs are fetched; behind the last run, any offsets

// Broadcast (BC): a vector over G = 16 filters, input scalars broadcast; any stride. Writes real
// positions only.
struct ConvBc {
  const float* input;
  float* output;
  RunStream stream;
  Epilogue epilogue;
  int input_row_step;  // elements between the inputs of output rows y and y + 1 (stride_h * pitch)
  int input_column_step;  // elements between the inputs of output columns x and x + 1 (stride_w)
  int output_pitch, output_width;
  int group_begin, group_end;
  int row_begin, row_end;  // output rows
};

// Dense convolution by Winograd's algorithm along rows (winograd.h): strides along a row of 1 or 2,
// groups of 16 filters. Output rows that read NaN, infinity or very large values are left to
// `direct`, the same layer for BC.
struct ConvWinograd {
  ConvBc direct;           // its ranges of groups and rows are the ranges of this one
  const float* first_row;  // the input of output row 0 and its first tap
  int input_pitch;
  size_t input_plane;
  int channels, kernel_h, stride_h;
  int phases;   // stride along a row: tap x belongs to phase x % phases
  int points;   // winograd_points(taps of a phase), 5 .. 7
  int columns;  // input columns that a row of outputs reads
  int blocks;   // output width in blocks of 16 positions, rounded up
  // [groups][kernel_h][channels][phases][points][16], transformed, 64-byte aligned
  const float* weights;
  // 64-byte aligned, one per thread: kernel_h transformed rows, [channels][phases][blocks][points]
  // [4 tiles], then 4 * phases * stream_length floats.
  float* scratch;
  int stream_length;  // blocks * 4 rounded up to 16, and 16 more
};
inline constexpr int kWinogradMostRows = 8;  // of a kernel

// Input-stationary (IS): for filters that share nothing. Works on *tiles* of up to `is_positions`
// output positions and goes through *records*: up to 4 inputs and the filters that read them. The
// accumulators of a block of filters stay in scratch memory, sized for L1.
//
// Positions are real ones (y * width + x; no pads). For each input channel the kernel first copies
// the inputs of the tile, once per tap of the layer, into scratch *slots*, so that at any stride
// they are compact, aligned vectors from then on. Or, *in place* (conv_is_in_place), positions are
// virtual and records name inputs where they are, under the same conditions as OS (stride 1, one
// pitch).
union IsWord {
  int32_t index;
  float weight;
};

struct IsStream {
  int channels;               // input channels
  size_t input_plane;         // elements between them
  int taps;                   // distinct tap offsets of the layer (9 for 3x3 patterns)
  const int32_t* tap_offset;  // [taps]: element offset within a plane
  // Records in the order block, channel group (kIsChannels channels; in place,
  // kIsChannelsInPlace), number of filters (1 to kIsFilters):
  //   4 x index: slots of the record's taps, ((channel % kIsChannels) * taps + tap) * tile; in
  //   place, element offsets from the tile's input. A record of fewer than 4 taps names the slot
  //   behind all others: it holds zeros. In place there are no such records.
  //   for each filter: index of its accumulators, filter_in_block * tile, and 4 x weight
  const IsWord* words;
  const int32_t* block_start;   // [blocks]: first word of each block
  const int32_t* record_count;  // [blocks][channel groups][kIsFilters]
  const int32_t* filter_start;  // [blocks + 1]: block b holds filters filter_start[b] ..
  const float* bias;            // [filters]
  const int32_t* out_plane;     // [filters]; -1: no filter
};
inline constexpr int kIsTaps = 4;     // of a record
inline constexpr int kIsFilters = 8;  // of a record, at most
inline constexpr int kIsChannels = 4, kIsChannelsInPlace = 16;

struct ConvIs {
  const float* input;
  float* output;
  IsStream stream;
  Epilogue epilogue;
  const int32_t* mask;  // in place, as for OS
  FetchAhead ahead;     // in place
  // 64-byte aligned: (kIsChannels * taps + 1 + filters of the largest block) * tile floats, one per
  // thread; in place, filters of the largest block * tile.
  float* scratch;
  int tile;  // min(KernelTable::is_positions, real positions rounded up to KernelTable::lanes)
  int input_row_step, input_column_step;  // as for BC
  int output_pitch, output_width;
  int block_begin, block_end;
  // In place, begin is a multiple of 16 and end one of 8.
  int position_begin, position_end;
};

// Depthwise: a group is one filter, with few taps in a single plane. Over *planes*, under the same
// conditions as OS (stride 1, one pitch), pads are written as zeros. By *rows*, at any stride, only
// real positions are written.
struct ConvDepthwise {
  const float* input;
  float* output;
  TapStream stream;  // G = 1
  Epilogue epilogue;
  const int32_t* mask;  // planes: as for OS
  int window;           // planes: the side of the square that the taps fill; 0: they fill none
  int position_begin, position_end;       // planes; multiples of 16
  int input_row_step, input_column_step;  // rows: as for BC
  int output_pitch;
  int output_width, output_height;  // rows
  int group_begin, group_end;
};

}  // namespace patternlite::kernels
