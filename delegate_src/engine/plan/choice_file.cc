#include "engine/plan/choice_file.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "engine/support/hash.h"

namespace patternlite {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMagic = "patternlite choices 1";
constexpr std::uintmax_t kMostBytes = 1 << 20;
constexpr std::chrono::hours kAbandoned(1);

std::string hex(std::uint64_t value) {
  char digits[16];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value, 16);
  const std::size_t count = end - digits;
  return std::string(sizeof(digits) - count, '0') + std::string(digits, count);
}

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.size() != 16 || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::uint64_t checksum(std::string_view text) {
  Hash hash;
  hash.add(text);
  return hash.value();
}

std::string content(const std::string& machine, const ChosenKernels& choices) {
  std::string text = std::string(kMagic) + "\nfor " + machine + "\n";
  for (const auto& [key, kernel] : choices) {
    text += hex(key) + " " + traits_of(kernel).name + "\n";
  }
  return text + "end " + hex(checksum(text)) + "\n";
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error("it cannot be read");
  return text.str();
}

struct NewFile {
  std::FILE* file;
  std::string path;
};

// A name that nobody else uses: other threads write the same choices, and so may a process with the
// same number in another container.
NewFile open_beside(const std::string& path) {
  static std::atomic<unsigned> serial{0};
  while (true) {
    std::string beside = path + "." + std::to_string(getpid()) + "-" + std::to_string(serial++);
    if (std::FILE* file = std::fopen(beside.c_str(), "wx")) return {file, std::move(beside)};
    if (errno != EEXIST) throw std::runtime_error(std::generic_category().message(errno));
  }
}

// Removes what killed writers of this file left behind. Their processes may be invisible to this
// one, so only its age tells that nobody is writing it any more.
void remove_abandoned(const fs::path& path) {
  std::error_code error;
  const std::string beside = path.filename().string() + ".";
  for (fs::directory_iterator it(path.parent_path(), error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;
    const bool ours = it->path().filename().string().starts_with(beside);
    const auto written = ours ? it->last_write_time(gone) : fs::file_time_type::max();
    if (!gone && written < fs::file_time_type::clock::now() - kAbandoned) {
      fs::remove(it->path(), gone);
    }
  }
}

}  // namespace

std::string choice_file(const std::string& directory, const std::set<std::uint64_t>& keys) {
  Hash hash;
  for (const std::uint64_t key : keys) hash.add(key);
  return (fs::path(directory) / ("patternlite-" + hex(hash.value()) + ".choices")).string();
}

std::optional<ChosenKernels> read_choices(const std::string& path, const std::string& machine) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return std::nullopt;
  if (error) throw std::runtime_error(error.message());
  // Before it is opened: a pipe would make us wait.
  if (!fs::is_regular_file(status)) throw std::runtime_error("it is no file");
  if (fs::file_size(path, error) > kMostBytes) throw std::runtime_error("it is damaged");
  const std::string text = read_file(path);

  std::istringstream lines(text);
  std::string line;
  if (!std::getline(lines, line) || line != kMagic) {
    throw std::runtime_error("it is damaged, or of another version");
  }
  if (!std::getline(lines, line) || line != "for " + machine) {
    throw std::runtime_error("it was written for another machine or version");
  }
  ChosenKernels choices;
  while (std::getline(lines, line) && !line.starts_with("end ")) {
    const std::size_t space = line.find(' ');
    const auto key = parse_hex(line.substr(0, space));
    const auto kernel = kernel_named(space == std::string::npos ? "" : line.substr(space + 1));
    if (!key || !kernel) throw std::runtime_error("it is damaged");
    choices[*key] = *kernel;
  }
  if (text != content(machine, choices)) throw std::runtime_error("it is damaged");
  return choices;
}

void write_choices(const std::string& path, const std::string& machine,
                   const ChosenKernels& choices) {
  const auto [file, beside] = open_beside(path);
  const std::string text = content(machine, choices);
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = std::fclose(file) == 0;
  std::error_code error(written && closed ? 0 : errno, std::generic_category());
  if (!error) fs::rename(beside, path, error);
  if (error) {
    std::error_code ignored;
    fs::remove(beside, ignored);
    throw std::runtime_error(error.message());
  }
  remove_abandoned(path);
}

}  // namespace patternlite
