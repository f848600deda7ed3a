// The TFLite delegate as a Python object; users see plugins/patternlite/tflite.py.
#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>

#include <cstdint>
#include <map>
#include <string>

#include "python/layer_row.h"
#include "tflite/delegate.h"

namespace nb = nanobind;
using namespace nb::literals;
namespace tflite = patternlite::tflite;

namespace {

class Delegate {
 public:
  explicit Delegate(const std::map<std::string, std::string>& options)
      : delegate_(tflite::create_delegate(tflite::parse_options(options))) {}
  ~Delegate() { tflite::destroy_delegate(delegate_); }
  Delegate(const Delegate&) = delete;
  Delegate& operator=(const Delegate&) = delete;

  std::uintptr_t pointer() const { return reinterpret_cast<std::uintptr_t>(delegate_); }
  std::size_t activation_bytes() const { return tflite::activation_bytes_of(delegate_); }
  nb::list layers() const {
    nb::list rows;
    for (const auto& layer : tflite::layers_of(delegate_)) rows.append(layer_row(layer));
    return rows;
  }

 private:
  tflite::TfLiteDelegate* delegate_;
};

}  // namespace

void bind_tflite(nb::module_& m) {
  nb::class_<Delegate>(m, "Delegate", "Goes into a TFLite interpreter's `experimental_delegates`.")
      .def(nb::init<const std::map<std::string, std::string>&>(), "options"_a,
           "Raises ValueError for an option that there is not, or a value that it does not have.")
      .def("_get_native_delegate_pointer", &Delegate::pointer)
      .def_prop_ro(
          "layers", &Delegate::layers,
          "One dict per convolution of the model it was last given to, at the shapes it came with.")
      .def_prop_ro("activation_bytes", &Delegate::activation_bytes,
                   "What the activations of that model take, at most, at the shapes it came with.");
}
