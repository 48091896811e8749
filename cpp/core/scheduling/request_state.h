// SPDX-License-Identifier: AGPL-3.0-only
// One request, as the submitting side and the worker share it.
#pragma once

#include <atomic>
#include <limits>
#include <memory>

#include "core/seams/adapters.h"
#include "sentiric/prompt.h"
#include "sentiric/types.h"

namespace sentiric {

struct RequestState {
  RequestState(RequestId request_id, Request asked, Clock::time_point now = Clock::now())
      : id(request_id), request(std::move(asked)), submitted(now) {}

  bool IsPastDeadline(Clock::time_point now) const {
    return request.deadline_ms > 0 &&
           now - submitted > std::chrono::milliseconds(request.deadline_ms);
  }

  // Whether it only leaves its prompt in the KV cache, for later requests.
  bool is_prefix() const { return request.max_tokens == 0 && !scores_prompt(); }

  // Prefixes are shared between equal scopes only.
  std::string Scope() const { return request.cache_scope + '\x1f' + AdapterKey(request.adapters); }

  // Whether the tokens of the prompt are scored. A resumed answer has sent those.
  bool scores_prompt() const { return request.prompt_logprobs >= 0 && request.delivered.empty(); }

  const RequestId id;
  const Request request;
  const std::string scope = Scope();
  const Clock::time_point submitted;
  PreparedPrompt prompt;      // written by the preparation task, then only the worker uses it
  AdapterSetHandle adapters;  // only the worker uses it, from loading to start
  std::atomic<bool> cancelled{false};  // raised by any thread; polled during a prefill
  // Tokens that its reader has allowed so far; any thread.
  std::atomic<std::int64_t> granted{std::numeric_limits<std::int64_t>::max()};
};

using RequestHandle = std::shared_ptr<RequestState>;

}  // namespace sentiric
