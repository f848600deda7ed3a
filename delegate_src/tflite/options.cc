#include "tflite/options.h"

#include <charconv>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <system_error>

#include "engine/support/isa.h"

namespace patternlite::tflite {
namespace {

[[noreturn]] void refuse(const std::string& option, const std::string& value,
                         const std::string& takes) {
  throw std::invalid_argument("PatternDelegate: option '" + option + "' takes " + takes +
                              ", but got '" + value + "'");
}

int parse_integer(const std::string& option, const std::string& value, int least, int most) {
  int number = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || stop != end || number < least || number > most) {
    refuse(option, value,
           "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

bool parse_bool(const std::string& option, const std::string& value) {
  if (value == "True" || value == "true" || value == "1") return true;
  if (value == "False" || value == "false" || value == "0") return false;
  refuse(option, value, "true or false");
}

const kernels::KernelTable* parse_isa(const std::string& option, const std::string& value) {
  if (const auto* table = kernels::find_kernels(value.c_str())) return table;
  refuse(option, value, "one of what this machine has (" + known_isas() + ")");
}

using Setter = std::function<void(Options&, const std::string&, const std::string&)>;

const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> table = {
      {"delegate_serialize_dir",
       [](Options& o, auto& name, auto& value) {
         if (value.empty()) refuse(name, value, "the path of a directory");
         // The program may have gone elsewhere when a resize compiles anew.
         std::error_code error;
         o.serialize_dir = std::filesystem::absolute(value, error).string();
         if (error) refuse(name, value, "an absolute path where no folder is the current one");
       }},
      {"force", [](Options& o, auto& name, auto& value) { o.force = parse_bool(name, value); }},
      {"isa", [](Options& o, auto& name, auto& value) { o.kernels = parse_isa(name, value); }},
      {"max_delegated_partitions",
       [](Options& o, auto& name, auto& value) {
         o.max_delegated_partitions = parse_integer(name, value, 0, 1000);
       }},
      {"min_nodes_per_partition",
       [](Options& o, auto& name, auto& value) {
         o.min_nodes_per_partition = parse_integer(name, value, 1, 1000);
       }},
      {"num_threads", [](Options& o, auto& name,
                         auto& value) { o.num_threads = parse_integer(name, value, 1, 256); }},
      {"tune_budget_ms",
       [](Options& o, auto& name, auto& value) {
         o.tune_budget_ms = parse_integer(name, value, 0, 60'000);
       }},
  };
  return table;
}

}  // namespace

Options parse_options(const std::map<std::string, std::string>& strings) {
  Options options;
  for (const auto& [name, value] : strings) {
    const auto setter = setters().find(name);
    if (setter == setters().end()) {
      std::string known;
      for (const auto& entry : setters()) known += (known.empty() ? "" : ", ") + entry.first;
      throw std::invalid_argument("PatternDelegate: unknown option '" + name +
                                  "'; the options are " + known);
    }
    setter->second(options, name, value);
  }
  return options;
}

}  // namespace patternlite::tflite
