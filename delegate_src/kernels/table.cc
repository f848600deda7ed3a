// The kernels of one ISA. Compiled once per ISA: see CMakeLists.txt.
#include "kernels/conv_bc.h"
#include "kernels/conv_depthwise_planes.h"
#include "kernels/conv_depthwise_rows.h"
#include "kernels/conv_is.h"
#include "kernels/conv_os.h"
#include "kernels/conv_winograd.h"
#include "kernels/curve.h"
#include "kernels/elementwise.h"
#include "kernels/fully_connected.h"
#include "kernels/interleave.h"
#include "kernels/norms.h"
#include "kernels/pool.h"
#include "kernels/split_phases.h"

#define PL_STRING(x) PL_STRING_OF(x)
#define PL_STRING_OF(x) #x

namespace patternlite::kernels::PL_ISA {

extern const KernelTable kTable = {
    .isa = PL_STRING(PL_ISA),
    .lanes = kLanes,
    .bc_max_run = kBcRun,
    .is_positions = kIsPositions,
    .is_accumulators = kIsAccumulators,
    .conv_os = {conv_os<1>, conv_os<2>, conv_os<4>},
    .split_phases = split_phases,
    .conv_bc16 = conv_bc16,
    .conv_winograd = conv_winograd,
    .conv_is = conv_is<false>,
    .conv_is_in_place = conv_is<true>,
    .conv_depthwise_planes = conv_depthwise_planes,
    .conv_depthwise_rows = conv_depthwise_rows,
    .fc_dense = fc_dense,
    .fc_sparse = fc_sparse,
    .pool = pool,
    .binary = binary,
    .scale = scale,
    .curve = curve,
    .channel_norm = channel_norm,
    .instance_norm = instance_norm,
    .to_planar = to_planar,
    .to_interleaved = to_interleaved,
};

}  // namespace patternlite::kernels::PL_ISA
