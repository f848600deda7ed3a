#include "tflite/delegate.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/support/isa.h"
#include "tflite/abi/builtin_operators.h"
#include "tflite/declined_report.h"
#include "tflite/model_graphs.h"
#include "tflite/models.h"
#include "tflite/partitions.h"

namespace patternlite::tflite {
namespace {

struct State {
  TfLiteDelegate delegate{};
  Options options;
  std::mutex mutex;  // held while the delegate is applied to a graph
  Models models;
  // Kernels compile anew after a resize, maybe when the delegate is gone.
  const std::shared_ptr<std::atomic<bool>> warned = std::make_shared<std::atomic<bool>>(false);
  // Compiled partitions on their way to init(), by their nodes.
  std::map<std::vector<int>, std::unique_ptr<DelegateKernel>> ready;
  std::shared_ptr<State> self;  // until destroy_delegate
};

State& state_of(TfLiteDelegate* delegate) { return *static_cast<State*>(delegate->data_); }

// What a claimed node's user_data points to.
struct KernelHandle {
  std::unique_ptr<DelegateKernel> kernel;
  // A numpy view of a tensor keeps the native interpreter, and so this kernel, alive after Python
  // has dropped the delegate; the runtime still touches its TfLiteDelegate then.
  std::shared_ptr<State> state;
};

std::vector<int> key_of(std::span<const int> nodes) {
  const std::set<int> sorted(nodes.begin(), nodes.end());
  return {sorted.begin(), sorted.end()};
}

// Null if it fails: kernel_prepare reports that.
void* kernel_init(TfLiteContext*, const char* buffer, size_t) {
  const auto* params = reinterpret_cast<const TfLiteDelegateParams*>(buffer);
  State& state = state_of(params->delegate);
  try {
    auto kernel = state.ready.extract(key_of(items(params->nodes_to_replace)));
    if (kernel.empty()) return nullptr;
    return new KernelHandle{std::move(kernel.mapped()), state.self};
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void kernel_free(TfLiteContext*, void* user_data) { delete static_cast<KernelHandle*>(user_data); }

TfLiteStatus report_no_memory(TfLiteContext* context) {
  context->ReportError(context,
                       "PatternDelegate: the model does not run (out of memory); give it fewer "
                       "threads, or make an interpreter without the delegate. ");
  return kTfLiteError;
}

TfLiteStatus kernel_prepare(TfLiteContext* context, TfLiteNode* node) {
  auto* handle = static_cast<KernelHandle*>(node->user_data);
  if (!handle) {
    context->ReportError(context,
                         "PatternDelegate: the runtime formed other partitions than it had "
                         "announced, or memory ran out; use it without the delegate. ");
    return kTfLiteError;
  }
  try {
    handle->kernel->compile(*context);
    return handle->kernel->resize_outputs(context);
  } catch (const std::bad_alloc&) {
    return report_no_memory(context);
  } catch (const std::exception& error) {
    context->ReportError(context,
                         "PatternDelegate: the model does not run at these input shapes (%s); make "
                         "an interpreter without the delegate for them. ",
                         error.what());
    return kTfLiteError;
  }
}

TfLiteStatus kernel_invoke(TfLiteContext* context, TfLiteNode* node) {
  try {
    static_cast<KernelHandle*>(node->user_data)->kernel->run(*context);
    return kTfLiteOk;
  } catch (const std::bad_alloc&) {
    return report_no_memory(context);
  } catch (const std::exception& error) {
    context->ReportError(context, "PatternDelegate: the model does not run: %s. ", error.what());
    return kTfLiteError;
  }
}

TfLiteRegistration kernel_registration() {
  TfLiteRegistration registration{};
  registration.init = kernel_init;
  registration.free = kernel_free;
  registration.prepare = kernel_prepare;
  registration.invoke = kernel_invoke;
  registration.builtin_code = kTfLiteBuiltinDelegate;
  registration.custom_name = "PatternDelegate";
  registration.version = 1;
  return registration;
}

// Runtimes that take a delegate after allocating their tensors have already given all nodes to
// their own delegate.
void tell_taken(Model& model) {
  if (!model.told.insert("taken").second) return;
  std::fputs(
      "WARNING: PatternDelegate comes after another delegate, which has taken what it can: give it "
      "to the interpreter when that is made, before its tensors are allocated, or put it first in "
      "the list of delegates\n",
      stderr);
}

// Warns of a directory that is of no use, only once: each graph would do it again.
void warn(std::atomic<bool>& warned, const std::string& message) {
  if (!warned.exchange(true)) {
    std::fprintf(stderr, "WARNING: PatternDelegate %s\n", message.c_str());
  }
}

// Prints one line, unless it has been printed for another graph of the model.
void tell(Model& model, const char* isa, const Selection& selection, int threads,
          std::size_t weight_bytes, std::size_t activation_bytes) {
  const std::size_t partitions = selection.kernels.size();
  const std::string message = "PatternDelegate: " + std::to_string(selection.claimed_convolutions) +
                              "/" + std::to_string(selection.convolutions) + " CONV_2D in " +
                              std::to_string(partitions) +
                              (partitions == 1 ? " partition" : " partitions") + ", isa=" + isa +
                              ", threads=" + std::to_string(threads);
  if (!model.told.insert(message).second) return;
  std::fprintf(stderr, "INFO: %s, %.1f MB of weights, %.1f MB of activations\n", message.c_str(),
               weight_bytes * 1e-6, activation_bytes * 1e-6);
}

// Moves the kernels to the interpreter, in place of their nodes.
TfLiteStatus claim(TfLiteContext* context, TfLiteDelegate* delegate, State& state,
                   std::span<std::unique_ptr<DelegateKernel>> kernels) {
  std::vector<int> all;
  for (auto& kernel : kernels) {
    std::vector<int> nodes = kernel->node_indices();
    all.insert(all.end(), nodes.begin(), nodes.end());
    state.ready[key_of(nodes)] = std::move(kernel);
  }
  const TfLiteStatus status = context->ReplaceNodeSubsetsWithDelegateKernels(
      context, kernel_registration(), IntArray(all).get(), delegate);
  state.ready.clear();
  return status;
}

TfLiteStatus apply(TfLiteContext* context, TfLiteDelegate* delegate, State& state) {
  const GraphPlace place = place_of(context);
  const bool again = forget_undone(context);
  Model& model = state.models.of(place, again, state.options.tune_budget_ms);
  GraphReport& report = model.reports[place.index];
  int threads = state.options.num_threads;
  if (threads == 0) threads = std::max(1, context->recommended_num_threads);
  const CompileOptions compile_options{
      .kernels = state.options.kernels,
      .tuning = {.budget = model.budget,
                 .directory = state.options.serialize_dir,
                 .warn = [warned = state.warned](auto& message) { warn(*warned, message); }}};
  const auto pool = [&] { return model.threads_for(threads); };
  auto kept = kernels_of(context, report.claims, compile_options);
  if (!kept.empty()) {
    for (const auto& kernel : kept) kernel->set_parallel(pool());
    return claim(context, delegate, state, kept);
  }
  report = {};
  Selection selection = select_partitions(context, state.options, compile_options, pool);
  report.layers = selection.layers;
  if (selection.kernels.empty()) {
    if (others_took_layers(context, state.options.force)) tell_taken(model);
    return kTfLiteOk;
  }
  std::size_t weight_bytes = 0;
  for (const auto& kernel : selection.kernels) {
    weight_bytes += kernel->program().weight_bytes();
    report.activation_bytes += kernel->program().activation_bytes();
    report.claims.push_back({kernel->node_indices(), kernel->outputs(), kernel->tune_share()});
  }
  const TfLiteStatus status = claim(context, delegate, state, selection.kernels);
  if (status == kTfLiteOk) {
    tell(model, state.options.kernels->isa, selection, pool()->threads(), weight_bytes,
         report.activation_bytes);
  }
  return status;
}

TfLiteStatus prepare(TfLiteContext* context, TfLiteDelegate* delegate) {
  State& state = state_of(delegate);
  const std::lock_guard lock(state.mutex);
  try {
    return apply(context, delegate, state);
  } catch (const std::exception& error) {
    // Nothing has been claimed: the model runs as if there were no delegate.
    std::fprintf(stderr,
                 "WARNING: PatternDelegate leaves the model to the stock runtime (%s): free memory "
                 "if it ran out, else update the runtime, or use another that README.md names\n",
                 error.what());
    return kTfLiteOk;
  }
}

}  // namespace

TfLiteDelegate* create_delegate(const Options& options) {
  auto state = std::make_shared<State>();
  state->options = options;
  // Throws now if PATTERNLITE_ISA names no ISA.
  if (!options.kernels) state->options.kernels = &best_kernels();
  state->delegate.data_ = state.get();
  state->delegate.Prepare = prepare;
  // Shapes are propagated by the kernels themselves; without this flag, graphs with dynamic tensors
  // elsewhere would be refused.
  state->delegate.flags = kTfLiteDelegateFlagsAllowDynamicTensors;
  state->self = state;
  return &state->delegate;
}

void destroy_delegate(TfLiteDelegate* delegate) {
  if (delegate) state_of(delegate).self.reset();
}

std::vector<LayerReport> layers_of(TfLiteDelegate* delegate) {
  State& state = state_of(delegate);
  const std::lock_guard lock(state.mutex);
  std::vector<LayerReport> layers;
  for (const auto& [graph, report] : state.models.reports()) {
    layers.insert(layers.end(), report.layers.begin(), report.layers.end());
  }
  return layers;
}

std::size_t activation_bytes_of(TfLiteDelegate* delegate) {
  State& state = state_of(delegate);
  const std::lock_guard lock(state.mutex);
  std::size_t bytes = 0;
  for (const auto& [graph, report] : state.models.reports()) bytes += report.activation_bytes;
  return bytes;
}

}  // namespace patternlite::tflite
