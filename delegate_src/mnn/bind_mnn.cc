// The Python face of the MNN backend; plugins/patternlite/mnn.py is what users see.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "mnn/layer_log.h"
#include "mnn/registration.h"
#include "mnn/selection.h"
#include "python/layer_row.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

nb::list sessions() {
  nb::list sessions;
  for (const auto& log : patternlite::mnn::LayerLog::all()) {
    nb::list layers;
    for (const auto& layer : log->rows()) layers.append(layer_row(layer));
    nb::dict session;
    session["number"] = log->number();
    session["thread"] = log->thread();
    session["layers"] = layers;
    sessions.append(session);
  }
  return sessions;
}

}  // namespace

void bind_mnn(nb::module_& m) {
  m.def("mnn_supported_versions", [] { return patternlite::mnn::kSupportedVersions; });
  m.def("mnn_register", &patternlite::mnn::register_backend, "library"_a, "supported"_a,
        nb::call_guard<nb::gil_scoped_release>(),
        "Registers the backend with the engine loaded from `library`; returns its forward type. "
        "Raises RuntimeError if the engine is not one that it knows.");
  m.def("mnn_take_all", &patternlite::mnn::take_all, "all"_a,
        "Whether sessions created from now on take layers that MNN is expected to run faster.");
  m.def("mnn_sessions", &sessions,
        "The sessions that use the backend, oldest first: number, creating thread, layers.");
}
