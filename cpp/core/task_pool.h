// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <functional>

namespace sentiric {

// Runs tasks on threads of its own, in the order posted. The destructor runs what was posted and
// joins. Post may be called from any thread.
class TaskPool {
 public:
  virtual ~TaskPool() = default;
  virtual void Post(std::function<void()> task) = 0;
};

}  // namespace sentiric
