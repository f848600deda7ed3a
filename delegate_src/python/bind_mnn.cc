// Python bindings of the MNN backend; users see plugins/patternlite/mnn.py.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <set>

#include "mnn/plan/selection.h"
#include "mnn/session/layer_log.h"
#include "mnn/session/registration.h"
#include "mnn/session/session_report.h"
#include "python/layer_row.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

nb::list described(const patternlite::mnn::Logs& logs) {
  nb::list sessions;
  std::set<const void*> counted;
  for (const auto& log : logs) {
    nb::list layers;
    for (const auto& layer : log->rows()) layers.append(layer_row(layer));
    const patternlite::mnn::PlanReport plan = log->plan();
    nb::dict session;
    session["layers"] = layers;
    session["isa"] = plan.isa;
    session["fused_additions"] = plan.fused_additions;
    session["private_tensors"] = plan.private_tensors;
    session["conversions"] = plan.conversions;
    session["activation_bytes"] = plan.activation_bytes;
    session["weight_bytes"] = plan.weight_bytes(counted);
    sessions.append(session);
  }
  return sessions;
}

nb::object described_or_none(const std::unique_ptr<patternlite::mnn::Logs>& logs) {
  if (!logs) return nb::none();
  return described(*logs);
}

// MNN's Python objects: the header that every object has, then fields. A Session has the model's
// path and the session. A RuntimeManager has a pointer to its shared_ptr, which is null in an
// object that Python made.
template <typename Field>
Field python_field(nb::handle object, std::size_t index) {
  const char* fields = reinterpret_cast<const char*>(object.ptr()) + sizeof(PyObject);
  return patternlite::mnn::abi::field<Field>(fields, index * sizeof(void*));
}

nb::object session_report(nb::handle session) {
  namespace mnn = patternlite::mnn;
  return described_or_none(mnn::logs_of_session(python_field<mnn::abi::Session*>(session, 1)));
}

nb::object manager_report(nb::handle manager) {
  namespace mnn = patternlite::mnn;
  const auto* held = python_field<const std::shared_ptr<mnn::abi::RuntimeManager>*>(manager, 0);
  return described_or_none(mnn::logs_of_manager(held ? held->get() : nullptr));
}

}  // namespace

void bind_mnn(nb::module_& m) {
  m.def(
      "mnn_supported_versions", [] { return patternlite::mnn::kSupportedVersions; },
      "Of MNN, whose internals the backend knows: oldest first.");
  m.def("mnn_register", &patternlite::mnn::register_backend, "library"_a, "supported"_a,
        nb::call_guard<nb::gil_scoped_release>(),
        "Registers the backend with the engine loaded from `library`; returns its forward type. "
        "Raises RuntimeError if the engine is not one that it knows.");
  m.def("mnn_take_all", &patternlite::mnn::take_all, "all"_a,
        "Whether layers that MNN makes from now on are taken where it is expected to run them "
        "faster.");
  m.def("mnn_session_report", &session_report, "session"_a,
        "What became of an MNN.Session, layers and plan, in a list of one, empty before it has "
        "sizes; None if it does not use the backend.");
  m.def("mnn_manager_report", &manager_report, "manager"_a,
        "The same of each session of a RuntimeManager and of others of its runtime, oldest first; "
        "the weights that clones share are with the first of them.");
}
