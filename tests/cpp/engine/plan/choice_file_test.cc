// Choices kept on disk.
#include "engine/plan/choice_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/temporary_directory.h"

namespace patternlite::test {
namespace {

constexpr const char* kMachine = "patternlite 0, some isa, 2 threads, Some CPU";
const ChosenKernels kSome = {{1, ConvKernel::kOs2}, {0xfedcba9876543210, ConvKernel::kIs}};

std::string slurp(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void spill(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

class ChoiceFileTest : public testing::Test {
 protected:
  std::string error() const {
    try {
      read_choices(path, kMachine);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }
  TemporaryDirectory directory;
  std::string path = choice_file(directory.path(), {1, 0xfedcba9876543210});
};

TEST_F(ChoiceFileTest, KeepsWhatIsWritten) {
  EXPECT_EQ(read_choices(path, kMachine), std::nullopt);
  write_choices(path, kMachine, kSome);
  EXPECT_EQ(read_choices(path, kMachine), kSome);
  write_choices(path, kMachine, {{1, ConvKernel::kBc16}});
  EXPECT_EQ(read_choices(path, kMachine), (ChosenKernels{{1, ConvKernel::kBc16}}));
  EXPECT_EQ(directory.files().size(), 1u) << "nothing is left beside it";
}

TEST_F(ChoiceFileTest, IsNamedAfterTheLayers) {
  EXPECT_EQ(choice_file(directory.path(), {1, 2}), choice_file(directory.path(), {2, 1}));
  EXPECT_NE(choice_file(directory.path(), {1}), choice_file(directory.path(), {2}));
}

TEST_F(ChoiceFileTest, CutShortOrChangedAnywhereItIsRefused) {
  write_choices(path, kMachine, kSome);
  const std::string whole = slurp(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    spill(path, whole.substr(0, size));
    EXPECT_NE(error(), "") << size;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char other : {'0', 'x', ' ', '\n', '\0', '\xff'}) {
      std::string changed = whole;
      if (changed[at] == other) continue;
      changed[at] = other;
      spill(path, changed);
      EXPECT_NE(error(), "") << at;
    }
  }
  spill(path, whole + whole);
  EXPECT_NE(error(), "");
  spill(path, whole);
  EXPECT_EQ(error(), "");
}

TEST_F(ChoiceFileTest, OfAnotherMachineItIsRefused) {
  write_choices(path, "another", kSome);
  EXPECT_EQ(error(), "it was written for another machine or version");
}

TEST_F(ChoiceFileTest, WhatIsNoFileOrTooLargeIsRefused) {
  std::filesystem::create_directory(path);
  EXPECT_EQ(error(), "it is no file");
  EXPECT_THROW(write_choices(path, kMachine, kSome), std::runtime_error);
  EXPECT_EQ(directory.files().size(), 1u);
  std::filesystem::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(error(), "it is no file");
  std::filesystem::remove(path);
  std::filesystem::create_symlink(path, path);
  EXPECT_EQ(error(), "Too many levels of symbolic links");
  std::filesystem::remove(path);
  spill(path, std::string(2 << 20, 'x'));
  EXPECT_EQ(error(), "it is damaged");
}

// Processes of two containers may have one number.
TEST_F(ChoiceFileTest, WhatOthersWriteBesideItIsLeftToThem) {
  for (int serial = 0; serial < 1000; ++serial) {
    spill(path + "." + std::to_string(getpid()) + "-" + std::to_string(serial), "theirs");
  }
  const mode_t mask = umask(0027);
  write_choices(path, kMachine, kSome);
  umask(mask);
  EXPECT_EQ(error(), "");
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0640));
  EXPECT_EQ(directory.files().size(), 1001u);
  for (const std::string& file : directory.files()) {
    if (file != path) EXPECT_EQ(slurp(file), "theirs");
  }
}

TEST_F(ChoiceFileTest, WhatKilledWritersLeftBesideItIsRemoved) {
  const std::string left = path + ".12345-0", fresh = path + ".12345-1", other = path + "-other";
  for (const std::string& file : {left, fresh, other}) spill(file, "");
  const auto then = std::filesystem::file_time_type::clock::now() - std::chrono::hours(2);
  for (const std::string& file : {left, other}) std::filesystem::last_write_time(file, then);
  write_choices(path, kMachine, kSome);
  EXPECT_FALSE(std::filesystem::exists(left));
  for (const std::string& file : {path, fresh, other}) EXPECT_TRUE(std::filesystem::exists(file));
}

// A link to a place that is not there at the moment has no age.
TEST_F(ChoiceFileTest, WhatHasNoAgeIsLeftAlone) {
  const std::string link = path + ".12345-0";
  std::filesystem::create_symlink(directory.path() + "/none", link);
  write_choices(path, kMachine, kSome);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
}

TEST_F(ChoiceFileTest, ADirectoryThatIsNotThereCannotBeWritten) {
  try {
    write_choices(directory.path() + "/none/file", kMachine, kSome);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "No such file or directory");
  }
}

// Exits with 0 if a file that grows beyond so many bytes is an error, and gone.
[[noreturn]] void exit_without_room(const std::string& path, int choices, rlim_t bytes) {
  const rlimit limit{bytes, bytes};
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, SIG_IGN);
  ChosenKernels many;
  for (int key = 0; key < choices; ++key) many[key] = ConvKernel::kIs;
  try {
    write_choices(path, kMachine, many);
  } catch (const std::runtime_error&) {
    const auto folder = std::filesystem::path(path).parent_path();
    std::_Exit(std::filesystem::is_empty(folder) ? 0 : 1);
  }
  std::_Exit(2);
}

TEST(ChoiceFileDeathTest, WithoutRoomNothingIsLeft) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/file";
  EXPECT_EXIT(exit_without_room(path, 2, 10), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(exit_without_room(path, 2000, 8192), testing::ExitedWithCode(0), "");
}

// Interpreters loaded at once keep the same file.
TEST(ChoiceFile, ThreadsThatWriteAtOnceLeaveAWholeOne) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/file";
  std::atomic<int> failed = 0;
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&, i] {
      ChosenKernels choices;
      for (int key = 0; key < 200 * (i + 1); ++key) choices[key] = ConvKernel::kIs;
      for (int turn = 0; turn < 50; ++turn) {
        try {
          write_choices(path, "here", choices);
          read_choices(path, "here");
        } catch (const std::runtime_error&) {
          ++failed;
        }
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(directory.files().size(), 1u);
}

}  // namespace
}  // namespace patternlite::test
