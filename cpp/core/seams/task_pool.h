// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>
#include <functional>

namespace sentiric {

// Runs tasks on threads of its own, those of the same size in the order posted. The destructor runs
// what was posted and joins. Post may be called from any thread.
class TaskPool {
 public:
  virtual ~TaskPool() = default;
  // size: what the task works on, in bytes. A small one need not wait for all large ones before it.
  virtual void Post(std::function<void()> task, std::size_t size) = 0;
};

}  // namespace sentiric
