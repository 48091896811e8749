// SPDX-License-Identifier: AGPL-3.0-only
// Counts the memory that the values of one rendering hold. The engine frees values by reference
// count, so the only way to know which are alive is to remember all of them and to count again.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

#include "jinja/value.h"

namespace sentiric::backend {

class RenderMemory {
 public:
  RenderMemory() = default;
  // Empties values that contain themselves; they would never be freed.
  ~RenderMemory();
  RenderMemory(const RenderMemory&) = delete;
  RenderMemory& operator=(const RenderMemory&) = delete;

  // Before values of `bytes` are made. They count as alive until the next Recount().
  void Made(std::size_t bytes) { since_ += bytes; }

  // Remembers a value that may outlive the operation that made it. Required for each list and
  // mapping before anything is put into it, and for each text of kSmallText bytes or more.
  void Remember(const jinja::value& value);
  static constexpr std::size_t kSmallText = 512;

  // Upper bound of the memory that is alive.
  std::size_t bytes() const { return alive_ + since_ + known_.size() * kRemembered; }

  // Counts again and returns the number of values alive. Throws when one contains itself or nests
  // too deeply for the engine to free it.
  std::size_t Recount();

 private:
  // The memory of a remembered value's own block, which is freed only when it is forgotten.
  static constexpr std::size_t kRemembered = 320;
  using Heights = std::unordered_map<const jinja::value_t*, int>;
  int Visit(const jinja::value_t& value, int depth, Heights* heights);
  void Forget();

  std::vector<std::weak_ptr<jinja::value_t>> known_;
  std::size_t forget_at_ = 1024;
  std::size_t alive_ = 0;  // at the last Recount()
  std::size_t since_ = 0;  // made after it
};

}  // namespace sentiric::backend
