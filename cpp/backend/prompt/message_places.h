// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <cstddef>
#include <ctime>
#include <string>
#include <vector>

#include "backend/prompt/chat_template.h"

namespace sentiric::backend {

// Where the first text of each message begins in `text`, the conversation as it was rendered with
// the same arguments: its reasoning, its content or the name of its first call. npos for a message
// without text or whose text the template leaves out, and for all when marks in the messages change
// what the template does. Renders once or twice more.
std::vector<std::size_t> FindMessages(const ChatTemplate& chat, const Prompt& prompt,
                                      const std::string& text, bool add_generation_prompt,
                                      std::time_t now);

}  // namespace sentiric::backend
