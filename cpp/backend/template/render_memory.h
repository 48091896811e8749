// SPDX-License-Identifier: AGPL-3.0-only
// What the values of one rendering hold in memory. The engine frees by counting references, so the
// only way to know what is alive is to remember what was made and to count it again.
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
  // Empties what still holds itself: nobody else would.
  ~RenderMemory();
  RenderMemory(const RenderMemory&) = delete;
  RenderMemory& operator=(const RenderMemory&) = delete;

  // `bytes` of values are about to be made. They count as alive until the next Recount().
  void Made(std::size_t bytes) { since_ += bytes; }

  // A value that may outlive the operation that made it. Must be told of each list and mapping
  // before something is put into it, and of each text of kSmallText bytes or more.
  void Remember(const jinja::value& value);
  static constexpr std::size_t kSmallText = 512;

  // Upper bound of what is alive.
  std::size_t bytes() const { return alive_ + since_ + known_.size() * kRemembered; }

  // Counts what is alive and returns how many values that are. Throws when one contains itself or
  // nests too deeply, which the engine could not even free.
  std::size_t Recount();

 private:
  // A remembered value's own block is freed when it is forgotten.
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
