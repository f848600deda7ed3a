#include "mnn/abi/engine_handle.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>

namespace patternlite::mnn {
namespace {

// Mangled, because MNN's wheel is built with the old std::string ABI and without headers.
constexpr const char* kVersion = "_ZN3MNN10getVersionEv";
constexpr const char* kInsertCreator =
    "_ZN3MNN28MNNInsertExtraRuntimeCreatorE14MNNForwardTypePKNS_14RuntimeCreatorEb";
constexpr const char* kGetCreator = "_ZN3MNN25MNNGetExtraRuntimeCreatorE14MNNForwardType";
constexpr const char* kDescribe = "_ZN3MNN11TensorUtils11getDescribeEPKNS_6TensorE";
constexpr const char* kDescribeOrigin = "_ZN3MNN11TensorUtils17getDescribeOriginEPKNS_6TensorE";
constexpr const char* kMakeFullReference = "_ZN3MNN11TensorUtils11makeFullRefEPNS_6TensorES2_";
constexpr const char* kAcquire = "_ZN3MNN7Backend15onAcquireBufferEPKNS_6TensorENS0_11StorageTypeE";
constexpr const char* kRelease = "_ZN3MNN7Backend15onReleaseBufferEPKNS_6TensorENS0_11StorageTypeE";
constexpr const char* kCreateDevice =
    "_ZN3MNN6Tensor12createDeviceERKSt6vectorIiSaIiEE13halide_type_tNS0_13DimensionTypeE";
constexpr const char* kCreateHost =
    "_ZN3MNN6Tensor6createERKSt6vectorIiSaIiEE13halide_type_tPvNS0_13DimensionTypeE";
constexpr const char* kDestroy = "_ZN3MNN6Tensor7destroyEPS0_";
constexpr const char* kPoolInit = "_ZN3MNN10ThreadPool4initEimRPS0_";
constexpr const char* kPoolEnqueue = "_ZN3MNN10ThreadPool7enqueueEPSt4pairISt8functionIFviEEiEi";
constexpr const char* kConvolutionWeights =
    "_ZN3MNN17ConvolutionCommon17getConvParametersEPSt10shared_ptrINS0_10Int8CommonEEPNS_"
    "7BackendEPKNS_"
    "2OpEPPKfPi";

constexpr const char* kSessionInfo =
    "_ZNK3MNN7Session7getInfoENS_11Interpreter15SessionInfoCodeEPv";
constexpr const char* kSessionInput = "_ZNK3MNN7Session8getInputEPKc";
constexpr const char* kSessionOutput = "_ZNK3MNN7Session9getOutputEPKc";
constexpr const char* kManagerInfo =
    "_ZN3MNN7Express8Executor14RuntimeManager7getInfoENS_11Interpreter15SessionInfoCodeEPv";

using CodeRanges = std::vector<std::pair<std::uintptr_t, std::uintptr_t>>;

CodeRanges executable_segments(void* library) {
  link_map* map = nullptr;
  if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return {};
  struct Search {
    ElfW(Addr) base;
    CodeRanges ranges;
  } search{map->l_addr, {}};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& search = *static_cast<Search*>(data);
        if (info->dlpi_addr != search.base) return 0;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& segment = info->dlpi_phdr[i];
          if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X)) continue;
          const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
          search.ranges.emplace_back(begin, begin + segment.p_memsz);
        }
        return 1;
      },
      &search);
  return search.ranges;
}

}  // namespace

std::string EngineHandle::remedy() const {
  std::string versions;
  for (const auto& version : supported_) versions += (versions.empty() ? "" : ", ") + version;
  const std::string newest = supported_.empty() ? "none" : supported_.back();
  return " Supported: MNN " + versions + " (pip install mnn==" + newest +
         "). MNN itself works on as before, without patternlite.";
}

EngineHandle EngineHandle::open(const std::string& library,
                                const std::vector<std::string>& supported) {
  EngineHandle engine;
  engine.supported_ = supported;
  // RTLD_NOLOAD: a second copy of the engine would have its own registry, which nobody uses.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (!handle) {
    throw RegistrationError("The MNN engine is not loaded from '" + library +
                            "'. Import MNN before registering patternlite's backend." +
                            engine.remedy());
  }
  auto find = [&](const char* name, auto& function) {
    void* address = dlsym(handle, name);
    if (!address) {
      throw RegistrationError("'" + library + "' does not export " + name + "." + engine.remedy());
    }
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(address);
  };
  auto& functions = engine.functions_;
  find(kVersion, functions.version);
  const std::string version = functions.version();
  if (std::find(supported.begin(), supported.end(), version) == supported.end()) {
    throw RegistrationError("This is MNN " + version +
                            ", whose internals patternlite does not know." + engine.remedy());
  }
  find(kInsertCreator, functions.insert_runtime_creator);
  find(kGetCreator, functions.get_runtime_creator);
  find(kDescribe, functions.describe);
  find(kDescribeOrigin, functions.describe_origin);
  find(kMakeFullReference, functions.make_full_reference);
  find(kAcquire, functions.acquire_buffer);
  find(kRelease, functions.release_buffer);
  find(kCreateDevice, functions.create_device_tensor);
  find(kCreateHost, functions.create_host_tensor);
  find(kDestroy, functions.destroy_tensor);
  find(kPoolInit, functions.thread_pool_init);
  find(kPoolEnqueue, functions.thread_pool_enqueue);
  find(kConvolutionWeights, functions.convolution_weights);
  find(kSessionInfo, functions.session_info);
  find(kSessionInput, functions.session_input);
  find(kSessionOutput, functions.session_output);
  find(kManagerInfo, functions.manager_info);
  engine.code_ = executable_segments(handle);
  return engine;
}

bool EngineHandle::is_code(const void* address) const {
  const auto value = reinterpret_cast<std::uintptr_t>(address);
  return std::any_of(code_.begin(), code_.end(), [value](const auto& range) {
    return range.first <= value && value < range.second;
  });
}

bool EngineHandle::has_engine_vtable(const void* object, int slots) const {
  for (int i = 0; i < slots; ++i) {
    if (!is_code(abi::slot<void*>(object, i))) return false;
  }
  return true;
}

}  // namespace patternlite::mnn
