#include "tflite/options.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>

namespace patternlite::tflite {
namespace {

std::string error_of(const std::map<std::string, std::string>& strings) {
  try {
    parse_options(strings);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(OptionsTest, Defaults) {
  const Options options = parse_options({});
  EXPECT_EQ(options.num_threads, 0);
  EXPECT_EQ(options.kernels, nullptr);
  EXPECT_EQ(options.max_delegated_partitions, 0);
  EXPECT_EQ(options.min_nodes_per_partition, 1);
  EXPECT_FALSE(options.force);
  EXPECT_EQ(options.tune_budget_ms, 200);
  EXPECT_EQ(options.serialize_dir, "");
}

TEST(OptionsTest, All) {
  const Options options = parse_options({{"num_threads", "4"},
                                         {"isa", "generic"},
                                         {"max_delegated_partitions", "2"},
                                         {"min_nodes_per_partition", "3"},
                                         {"force", "True"},
                                         {"tune_budget_ms", "0"},
                                         {"delegate_serialize_dir", "/some/where"}});
  EXPECT_EQ(options.num_threads, 4);
  EXPECT_STREQ(options.kernels->isa, "generic");
  EXPECT_EQ(options.max_delegated_partitions, 2);
  EXPECT_EQ(options.min_nodes_per_partition, 3);
  EXPECT_TRUE(options.force);
  EXPECT_EQ(options.tune_budget_ms, 0);
  EXPECT_EQ(options.serialize_dir, "/some/where");
}

TEST(OptionsTest, EverySpellingAndLimit) {
  for (const char* value : {"True", "true", "1"}) {
    EXPECT_TRUE(parse_options({{"force", value}}).force) << value;
  }
  for (const char* value : {"False", "false", "0"}) {
    EXPECT_FALSE(parse_options({{"force", value}}).force) << value;
  }
  EXPECT_EQ(parse_options({{"num_threads", "1"}}).num_threads, 1);
  EXPECT_EQ(parse_options({{"num_threads", "256"}}).num_threads, 256);
  EXPECT_EQ(parse_options({{"max_delegated_partitions", "0"}}).max_delegated_partitions, 0);
  EXPECT_EQ(parse_options({{"min_nodes_per_partition", "1"}}).min_nodes_per_partition, 1);
}

TEST(OptionsTest, DirectoriesStayWhereTheProgramWas) {
  EXPECT_EQ(parse_options({{"delegate_serialize_dir", "some/where"}}).serialize_dir,
            std::filesystem::current_path() / "some/where");
}

TEST(OptionsTest, UnknownNamesGetTheKnownOnes) {
  EXPECT_EQ(
      error_of({{"threads", "4"}}),
      "PatternDelegate: unknown option 'threads'; the options are delegate_serialize_dir, force, "
      "isa, max_delegated_partitions, min_nodes_per_partition, num_threads, "
      "tune_budget_ms");
}

TEST(OptionsTest, BadValuesGetTheGoodOnes) {
  for (const char* value : {"0", "-1", "257", "2.5", "2 ", "", "99999999999"}) {
    EXPECT_EQ(
        error_of({{"num_threads", value}}),
        std::string("PatternDelegate: option 'num_threads' takes a whole number from 1 to 256, "
                    "but got '") +
            value + "'");
  }
  EXPECT_NE(error_of({{"force", "yes"}}).find("takes true or false"), std::string::npos);
  for (const char* value : {"-1", "60001", "99999999999"}) {  // the last fits no int
    EXPECT_NE(error_of({{"tune_budget_ms", value}}).find("takes a whole number from 0 to 60000"),
              std::string::npos);
  }
  EXPECT_NE(error_of({{"min_nodes_per_partition", "0"}}).find("takes a whole number from 1 to"),
            std::string::npos);
  EXPECT_NE(error_of({{"delegate_serialize_dir", ""}}).find("takes the path of a directory"),
            std::string::npos);
  EXPECT_NE(error_of({{"isa", "mmx"}}).find("takes one of what this machine has (generic"),
            std::string::npos);
}

}  // namespace
}  // namespace patternlite::tflite
