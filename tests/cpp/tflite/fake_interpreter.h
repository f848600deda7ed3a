// An interpreter as small as a delegate can be tried on: what is claimed makes one partition.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "tflite/abi/abi.h"
#include "tflite/abi/builtin_operators.h"

namespace patternlite::tflite {

class FakeInterpreter {
 public:
  FakeInterpreter() {
    context_.impl_ = this;
    context_.GetExecutionPlan = [](TfLiteContext* c, TfLiteIntArray** plan) {
      if (self(c).gives_no_plan) return kTfLiteError;
      *plan = const_cast<TfLiteIntArray*>(self(c).plan());
      return kTfLiteOk;
    };
    context_.GetNodeAndRegistration = [](TfLiteContext* c, int index, TfLiteNode** node,
                                         TfLiteRegistration** registration) {
      *node = &self(c).nodes_.at(index);
      *registration = &self(c).registrations_.at(index);
      return kTfLiteOk;
    };
    context_.PreviewDelegatePartitioning = [](TfLiteContext* c, const TfLiteIntArray* nodes,
                                              TfLiteDelegateParams** partitions, int* count) {
      *count = self(c).partition(nodes);
      *partitions = &self(c).params_;
      return kTfLiteOk;
    };
    context_.ReplaceNodeSubsetsWithDelegateKernels =
        [](TfLiteContext* c, TfLiteRegistration registration, const TfLiteIntArray* nodes,
           TfLiteDelegate* delegate) { return self(c).claim(registration, nodes, delegate); };
    context_.ResizeTensor = [](TfLiteContext* c, TfLiteTensor* tensor, TfLiteIntArray* dims) {
      if (self(c).has_no_memory) {
        std::free(dims);
        throw std::bad_alloc();
      }
      self(c).resize(static_cast<int>(tensor - c->tensors), items(dims));
      std::free(dims);
      return kTfLiteOk;
    };
    context_.AcquireSubgraphContext = [](TfLiteContext* c, int, TfLiteContext** first) {
      *first = c;
      return kTfLiteOk;
    };
    context_.ReportError = report_error;
    context_.recommended_num_threads = -1;
  }
  ~FakeInterpreter() { undo(); }

  int tensor(std::vector<int> dims, TfLiteType type = kTfLiteFloat32) {
    tensors_.push_back({});
    tensors_.back().type = type;
    data_.emplace_back();
    dims_.emplace_back();
    context_.tensors = tensors_.data() + 1;
    context_.tensors_size = tensors_.size() - 1;
    const int index = static_cast<int>(context_.tensors_size) - 1;
    resize(index, dims);
    return index;
  }

  int constant(std::vector<int> dims, std::vector<float> values) {
    const int index = tensor(std::move(dims));
    raw(index).allocation_type = kTfLiteMmapRo;
    data_[index] = std::move(values);
    raw(index).data.f = data_[index].data();
    return index;
  }

  // A constant whose elements are not float.
  template <typename T>
  int constant_as(std::vector<int> dims, TfLiteType type, const std::vector<T>& values) {
    const int index = tensor(std::move(dims), type);
    auto owned = std::make_shared<std::vector<T>>(values);
    raw(index).allocation_type = kTfLiteMmapRo;
    raw(index).data.raw = owned->data();
    raw(index).bytes = owned->size() * sizeof(T);
    storage_.push_back(std::move(owned));
    return index;
  }

  template <typename Params>
  void node(TfLiteBuiltinOperator code, std::vector<int> inputs, int output, Params params) {
    auto owned = std::make_shared<Params>(params);
    storage_.push_back(owned);
    TfLiteNode node{};
    node.inputs = keep(std::move(inputs));
    node.outputs = keep({output});
    node.builtin_data = owned.get();
    nodes_.push_back(node);
    registrations_.push_back({});
    registrations_.back().builtin_code = code;
  }

  void resize(int index, std::span<const int> dims) {
    dims_[index] = std::make_unique<IntArray>(std::vector<int>(dims.begin(), dims.end()));
    std::size_t elements = 1;
    for (const int size : dims) elements *= size;
    data_[index].assign(elements, std::nanf(""));
    raw(index).dims = const_cast<TfLiteIntArray*>(dims_[index]->get());
    raw(index).data.f = data_[index].data();
    raw(index).bytes = elements * sizeof(float);
  }

  TfLiteStatus apply(TfLiteDelegate* delegate) { return delegate->Prepare(&context_, delegate); }
  // As a runtime that is about to apply the delegate anew: its marks on tensors stay.
  void undo() {
    if (kernel_.user_data) claimed_.free(&context_, std::exchange(kernel_.user_data, nullptr));
  }
  TfLiteStatus prepare() { return claimed_.prepare(&context_, &kernel_); }
  TfLiteStatus invoke() { return claimed_.invoke(&context_, &kernel_); }
  bool claimed() const { return kernel_.user_data != nullptr; }
  void set_threads(int count) { context_.recommended_num_threads = count; }
  const std::vector<int>& claimed_nodes() const { return claimed_nodes_; }
  std::vector<float>& data(int index) { return data_[index]; }
  std::vector<int> dims(int index) const {
    const std::span<const int> dims = items(tensors_[index + 1].dims);
    return {dims.begin(), dims.end()};
  }
  TfLiteTensor& raw(int index) { return tensors_[index + 1]; }

  std::string error;
  std::vector<int> outputs;  // tensors that outlive the run
  bool gives_no_plan = false, has_no_memory = false;

 private:
  static void report_error(TfLiteContext* context, const char* format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    self(context).error += text;
  }

  static FakeInterpreter& self(TfLiteContext* context) {
    return *static_cast<FakeInterpreter*>(context->impl_);
  }

  TfLiteIntArray* keep(std::vector<int> values) {
    arrays_.emplace_back(values);
    return const_cast<TfLiteIntArray*>(arrays_.back().get());
  }

  const TfLiteIntArray* plan() {
    std::vector<int> plan;
    for (std::size_t i = 0; i < nodes_.size(); ++i) plan.push_back(static_cast<int>(i));
    return keep(plan);
  }

  int partition(const TfLiteIntArray* nodes) {
    claimed_nodes_.assign(items(nodes).begin(), items(nodes).end());
    params_.nodes_to_replace = keep(claimed_nodes_);
    std::vector<int> wanted = outputs;
    std::vector<int> made;
    for (int node = 0; node < static_cast<int>(nodes_.size()); ++node) {
      const bool claimed = std::ranges::find(claimed_nodes_, node) != claimed_nodes_.end();
      const std::span<const int> tensors =
          items(claimed ? nodes_[node].outputs : nodes_[node].inputs);
      std::vector<int>& to = claimed ? made : wanted;
      to.insert(to.end(), tensors.begin(), tensors.end());
    }
    std::erase_if(made,
                  [&](int tensor) { return std::ranges::find(wanted, tensor) == wanted.end(); });
    params_.output_tensors = keep(made);
    return items(nodes).empty() ? 0 : 1;
  }

  TfLiteStatus claim(const TfLiteRegistration& registration, const TfLiteIntArray* nodes,
                     TfLiteDelegate* delegate) {
    partition(nodes);
    params_.delegate = delegate;
    for (const int tensor : items(params_.output_tensors)) raw(tensor).delegate = delegate;
    claimed_ = registration;
    kernel_.user_data = claimed_.init(&context_, reinterpret_cast<const char*>(&params_), 0);
    return kTfLiteOk;
  }

  TfLiteContext context_{};
  std::vector<TfLiteTensor> tensors_ = {{}};  // behind one more, the raw(-1) of damaged files
  std::vector<std::vector<float>> data_;
  std::vector<std::unique_ptr<IntArray>> dims_;
  std::vector<TfLiteNode> nodes_;
  std::vector<TfLiteRegistration> registrations_;
  std::vector<std::shared_ptr<void>> storage_;  // constants and parameters
  std::deque<IntArray> arrays_;
  TfLiteDelegateParams params_{};
  std::vector<int> claimed_nodes_;
  TfLiteRegistration claimed_{};
  TfLiteNode kernel_{};
};

}  // namespace patternlite::tflite
