// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>
#include <functional>

namespace sentiric {

// Runs tasks on its own threads; tasks of the same size in the order posted. The destructor runs
// all posted tasks and joins the threads. Post may be called from any thread.
class TaskPool {
 public:
  virtual ~TaskPool() = default;
  // size: bytes that the task works on. A small task need not wait for all earlier large ones.
  virtual void Post(std::function<void()> task, std::size_t size) = 0;
};

}  // namespace sentiric
