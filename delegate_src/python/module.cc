// patternlite._native: what Python needs from the engine and the adaptors.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "engine/support/build.h"
#include "engine/support/fma_peak.h"
#include "engine/support/isa.h"
#include "engine/support/machine.h"

namespace nb = nanobind;
using namespace nb::literals;

void bind_tflite(nb::module_& m);
void bind_timing(nb::module_& m);
#ifdef PATTERNLITE_WITH_MNN
void bind_mnn(nb::module_& m);
#endif

NB_MODULE(_native, m) {
  // Delegates that interpreters still hold when Python ends are no leaks worth a warning.
  nb::set_leak_warnings(false);
  m.def("available_isas", &patternlite::available_isas,
        "Instruction sets this machine can run, slowest first.");
  m.def(
      "current_isa", [] { return std::string(patternlite::best_kernels().isa); },
      "Instruction set of the kernels that models loaded from now on get.");
  m.def("cpu_model", &patternlite::cpu_model,
        "The CPU's name, with the numbers that tell models apart whose names do not.");
  m.def("engine_build", &patternlite::engine_build,
        "The engine's version and a hash of its sources.");
  m.def("force_isa", &patternlite::force_isa, "name"_a,
        "For models loaded from now on; '' returns to the default.");
  m.def(
      "fma_peak", [] { return patternlite::fma_peak(patternlite::best_kernels().lanes); },
      "Multiply-adds per second that one core reaches with the current ISA's vectors, measured.");
  bind_tflite(m);
  bind_timing(m);
#ifdef PATTERNLITE_WITH_MNN
  bind_mnn(m);
#endif
}
