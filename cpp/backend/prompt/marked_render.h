// SPDX-License-Identifier: AGPL-3.0-only
// Rendering that does not lose sight of what users wrote.
#pragma once

#include <ctime>
#include <vector>

#include "backend/model/tokenizer.h"
#include "backend/prompt/chat_template.h"

namespace sentiric::backend {

// As ChatTemplate::Render, and each control literal that came from a message stands in an input
// span. Templates can lose the mark on their way (tojson, for one): when a content holds control
// literals the conversation is rendered once more with them overwritten, and what differs is user
// text. kTemplateFailed when the two cannot be compared.
Result<RenderedPrompt> RenderMarked(const ChatTemplate& chat, const Tokenizer& tokenizer,
                                    const std::vector<Message>& messages,
                                    bool add_generation_prompt, std::time_t now);

}  // namespace sentiric::backend
