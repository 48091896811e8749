// SPDX-License-Identifier: AGPL-3.0-only
#include "sentiric/devices.h"

#include <algorithm>
#include <exception>

#include "backend/model/abort_guard.h"
#include "ggml-backend.h"
#include "host/memory_budget.h"

namespace sentiric {
namespace {

const char* KindOf(ggml_backend_dev_t device) {
  switch (ggml_backend_dev_type(device)) {
    case GGML_BACKEND_DEVICE_TYPE_CPU: return "cpu";
    case GGML_BACKEND_DEVICE_TYPE_GPU: return "gpu";
    case GGML_BACKEND_DEVICE_TYPE_IGPU: return "igpu";
    case GGML_BACKEND_DEVICE_TYPE_ACCEL: return "accelerator";
    case GGML_BACKEND_DEVICE_TYPE_META: return "meta";
  }
  return "accelerator";  // kinds that later versions of llama.cpp add
}

Device Describe(ggml_backend_dev_t device) {
  std::size_t free = 0;
  std::size_t total = 0;
  ggml_backend_dev_memory(device, &free, &total);
  const std::string kind = KindOf(device);
  if (kind == "cpu") free = std::min<std::size_t>(total, FreeMemoryBytes());  // ggml says: all
  return {ggml_backend_dev_name(device), ggml_backend_dev_description(device), kind, free, total};
}

}  // namespace

Result<std::vector<Device>> ListDevices() {
  try {
    const backend::AbortGuard guard;  // for GPUs that do not respond
    std::vector<Device> devices;
    for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
      devices.push_back(Describe(ggml_backend_dev_get(i)));
    }
    return devices;
  } catch (const std::exception& e) {
    return Error{ErrorCode::kUnavailable, "devices", e.what()};
  }
}

}  // namespace sentiric
