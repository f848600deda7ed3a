// The delegate in an interpreter of our own, where sanitizers see every access.
#include "tflite/delegate.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "one_convolution.h"

namespace patternlite::tflite {
namespace {

TEST(DelegateTest, RunsThroughResizes) {
  TfLiteDelegate* delegate = create_delegate(forced(2));
  {
    Model model;
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    ASSERT_TRUE(model.interpreter.claimed());
    model.run_and_check(1, kSize);
    model.run_and_check(3, kSize);
    model.run_and_check(2, 14);
    model.run_and_check(1, kSize);
  }
  destroy_delegate(delegate);
}

TEST(DelegateTest, KeepsWhatItCompiledForTwoSizes) {
  TfLiteDelegate* delegate = create_delegate(forced());
  {
    Model model;
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    model.run_and_check(1, kSize);
    model.run_and_check(2, 14);
    // Whoever reads the weights anew would see it.
    std::ranges::fill(model.interpreter.data(model.weights), 1.0f);
    model.run_and_check(1, kSize);
    model.run_and_check(2, 14);
    model.run_and_check(3, kSize);
  }
  destroy_delegate(delegate);
}

TEST(DelegateTest, KeepsNoSizeThatNeverRan) {
  TfLiteDelegate* delegate = create_delegate(forced());
  {
    Model model;
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    model.run_and_check(1, 14);
    std::ranges::fill(model.interpreter.data(model.weights), 0.0f);  // who reads them anew sees it
    model.interpreter.resize(model.input, std::vector<int>{1, kSize, kSize, kChannels});
    ASSERT_EQ(model.interpreter.prepare(), kTfLiteOk) << model.interpreter.error;
    ASSERT_EQ(model.interpreter.invoke(), kTfLiteOk);
    for (const float out : model.interpreter.data(model.output)) ASSERT_EQ(out, 0.25f);
  }
  destroy_delegate(delegate);
}

TEST(DelegateTest, KeepsWhatItTookWhereItIsAppliedAnew) {
  TfLiteDelegate* delegate = create_delegate(forced());
  {
    Model model;
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    model.run_and_check(1, kSize);
    model.interpreter.undo();
    // As what the runtime's own operators make, it has its new shape only later.
    model.interpreter.resize(model.input, std::vector<int>{1, kSize, kSize, 1});
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    ASSERT_TRUE(model.interpreter.claimed());
    EXPECT_NE(layers_of(delegate).at(0).kernel, "stock");
    model.run_and_check(3, kSize);
  }
  destroy_delegate(delegate);
}

std::ptrdiff_t threads_running() {
  std::filesystem::directory_iterator threads("/proc/self/task"), end;
  return std::distance(threads, end);
}

// Those that have ended are counted for a moment still.
bool comes_to_have_threads(std::ptrdiff_t count) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::seconds(20);
  while (threads_running() != count && Clock::now() < until) std::this_thread::yield();
  return threads_running() == count;
}

TEST(DelegateTest, HasTheThreadsThatTheRuntimeAsksForWhereItIsAppliedAnew) {
  std::thread([] {}).join();  // a sanitizer may add one of its own to the first
  const std::ptrdiff_t others = threads_running() - 1;
  TfLiteDelegate* delegate = create_delegate(forced(0));
  {
    Model model;
    for (const int threads : {1, 3, 2}) {
      model.interpreter.set_threads(threads);
      ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
      model.run_and_check(threads, kSize);
      EXPECT_TRUE(comes_to_have_threads(others + threads)) << threads;
      model.interpreter.undo();
    }
  }
  destroy_delegate(delegate);
}

TEST(DelegateTest, MayBeDestroyedBeforeTheInterpreter) {
  Model model;
  TfLiteDelegate* delegate = create_delegate(forced());
  ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
  destroy_delegate(delegate);
  model.run_and_check(2, kSize);
}

TEST(DelegateTest, ServesSeveralInterpreters) {
  TfLiteDelegate* delegate = create_delegate(forced(2));
  {
    Model first, second;
    ASSERT_EQ(first.interpreter.apply(delegate), kTfLiteOk);
    ASSERT_EQ(second.interpreter.apply(delegate), kTfLiteOk);
    first.run_and_check(1, kSize);
    second.run_and_check(2, 12);
    first.run_and_check(1, kSize);
  }
  destroy_delegate(delegate);
}

TEST(DelegateTest, AShapeThatDoesNotFitIsAnError) {
  TfLiteDelegate* delegate = create_delegate(forced());
  {
    Model model;
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    model.interpreter.resize(model.input, std::vector<int>{1, kSize, kSize, kChannels + 1});
    EXPECT_EQ(model.interpreter.prepare(), kTfLiteError);
    EXPECT_NE(model.interpreter.error.find("does not run at these input shapes"),
              std::string::npos);
    model.run_and_check(1, kSize);
  }
  destroy_delegate(delegate);
}

TEST(DelegateTest, SaysThatMemoryRanOutWhereItDid) {
  TfLiteDelegate* delegate = create_delegate(forced());
  {
    Model model;
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    model.interpreter.has_no_memory = true;
    EXPECT_EQ(model.interpreter.prepare(), kTfLiteError);
    EXPECT_NE(model.interpreter.error.find("out of memory"), std::string::npos);
    model.interpreter.has_no_memory = false;
    model.run_and_check(1, kSize);
  }
  destroy_delegate(delegate);
}

TEST(DelegateTest, SaysWhatToDoWhereItTakesNothing) {
  TfLiteDelegate* delegate = create_delegate(forced());
  {
    Model model;
    model.interpreter.gives_no_plan = true;
    testing::internal::CaptureStderr();
    EXPECT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    const std::string told = testing::internal::GetCapturedStderr();
    EXPECT_NE(told.find("the interpreter gives no execution plan"), std::string::npos) << told;
    EXPECT_NE(told.find("update the runtime"), std::string::npos) << told;
  }
  destroy_delegate(delegate);
}

}  // namespace
}  // namespace patternlite::tflite
