// What is kept of models, and when it is not.
#include "tflite/models.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace patternlite::tflite {
namespace {

constexpr int kBudgetMs = 200;

void take(Model& model, int graph) { model.reports[graph].claims.push_back({{0, 1}, {2}, 1.0}); }

TEST(Models, KeepsWhatWasTakenWhereTheDelegateIsAppliedAnew) {
  TfLiteContext graph{};
  Models models;
  Model& model = models.of({&graph, 0}, false, kBudgetMs);
  take(model, 0);
  const auto budget = model.budget;
  EXPECT_EQ(models.of({&graph, 0}, true, kBudgetMs).budget, budget);
  EXPECT_EQ(models.reports().at(0).claims.size(), 1u);
}

TEST(Models, AnotherInterpreterOfTheSameFileAtTheSameAddressBeginsAnew) {
  TfLiteContext graph{};
  Models models;
  models.of({&graph, 0}, false, kBudgetMs).reports[0].activation_bytes = 7;  // nothing is taken
  take(models.of({&graph, 1}, false, kBudgetMs), 1);
  Model& model = models.of({&graph, 2}, false, kBudgetMs);
  take(model, 2);
  const auto budget = model.budget;

  models.of({&graph, 0}, false, kBudgetMs);
  const auto next = models.of({&graph, 1}, false, kBudgetMs).budget;
  EXPECT_NE(next, budget);
  EXPECT_EQ(models.reports().at(0).activation_bytes, 7u);
  EXPECT_FALSE(models.reports().contains(1));
  EXPECT_FALSE(models.reports().contains(2));
  take(model, 1);
  EXPECT_EQ(models.of({&graph, 2}, false, kBudgetMs).budget, next);
}

TEST(Models, NothingOfAnotherFileAtTheSameAddressStays) {
  float weights[] = {1, 2};
  TfLiteTensor tensor{};
  tensor.allocation_type = kTfLiteMmapRo;
  tensor.data.f = weights;
  tensor.bytes = sizeof(weights);
  TfLiteContext graph{};
  graph.tensors = &tensor;
  graph.tensors_size = 1;
  Models models;
  models.of({&graph, 1}, false, kBudgetMs).reports[1].activation_bytes = 7;  // nothing is taken
  weights[0] = 3;
  models.of({&graph, 0}, false, kBudgetMs);
  EXPECT_FALSE(models.reports().contains(1));
}

TEST(Models, ReportsOfTheOneThatCameLast) {
  TfLiteContext first{}, second{};
  Models models;
  take(models.of({&first, 0}, false, kBudgetMs), 0);
  take(models.of({&second, 1}, false, kBudgetMs), 1);
  EXPECT_TRUE(models.reports().contains(1));
  models.of({&first, 0}, true, kBudgetMs);
  EXPECT_FALSE(models.reports().contains(1));
}

TEST(Models, KeepsNoneThatNothingRuns) {
  TfLiteContext first{}, second{};
  Models models;
  Model& model = models.of({&first, 0}, false, kBudgetMs);
  auto pool = make_thread_pool(1);
  model.pool = pool;
  const std::weak_ptr<TuneBudget> budget = model.budget;
  models.of({&second, 0}, false, kBudgetMs);
  EXPECT_FALSE(budget.expired());
  pool.reset();
  models.of({&second, 0}, false, kBudgetMs);
  EXPECT_TRUE(budget.expired());
}

TEST(Models, KeepsThoseThatAreUndoneTogether) {
  TfLiteContext first{}, second{};
  Models models;
  take(models.of({&first, 0}, false, kBudgetMs), 0);
  take(models.of({&second, 0}, false, kBudgetMs), 0);
  EXPECT_EQ(models.of({&first, 0}, true, kBudgetMs).reports.at(0).claims.size(), 1u);
  EXPECT_EQ(models.of({&second, 0}, true, kBudgetMs).reports.at(0).claims.size(), 1u);
}

// Also where one of them was applied anew since the runtime was given another number.
TEST(Models, GraphsShareAsManyThreadsAsAreAskedForNow) {
  Model model;
  const auto two = model.threads_for(2);
  EXPECT_EQ(two->threads(), 2);
  EXPECT_EQ(model.threads_for(2), two);
  const auto three = model.threads_for(3);
  EXPECT_EQ(three->threads(), 3);
  EXPECT_EQ(model.threads_for(3), three);
}

TEST(Models, DoesNotGrowWithoutEnd) {
  std::vector<TfLiteContext> graphs(1000);
  Models models;
  std::vector<std::weak_ptr<TuneBudget>> budgets;
  for (const TfLiteContext& graph : graphs) {
    Model& model = models.of({&graph, 0}, false, kBudgetMs);
    take(model, 0);
    budgets.push_back(model.budget);
  }
  EXPECT_LE(std::ranges::count_if(budgets, [](const auto& b) { return !b.expired(); }), 64);
}

}  // namespace
}  // namespace patternlite::tflite
