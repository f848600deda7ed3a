// The two symbols of an external delegate library, for `load_delegate(get_library_path(), {...})`.
#include <exception>

#include "tflite/delegate.h"

#define PATTERNLITE_EXPORT extern "C" __attribute__((visibility("default")))

using patternlite::tflite::TfLiteDelegate;

PATTERNLITE_EXPORT TfLiteDelegate* tflite_plugin_create_delegate(
    const char* const* option_keys, const char* const* option_values, size_t num_options,
    void (*report_error)(const char*)) {
  try {
    std::map<std::string, std::string> options;
    for (size_t i = 0; i < num_options; ++i) options[option_keys[i]] = option_values[i];
    return patternlite::tflite::create_delegate(patternlite::tflite::parse_options(options));
  } catch (const std::exception& error) {
    if (report_error) report_error(error.what());
    return nullptr;
  }
}

PATTERNLITE_EXPORT void tflite_plugin_destroy_delegate(TfLiteDelegate* delegate) {
  patternlite::tflite::destroy_delegate(delegate);
}
