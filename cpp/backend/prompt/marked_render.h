// SPDX-License-Identifier: AGPL-3.0-only
// Renders a conversation without losing track of the text that users wrote.
#pragma once

#include <ctime>
#include <vector>

#include "backend/model/tokenizer.h"
#include "backend/prompt/chat_template.h"

namespace sentiric::backend {

// Like ChatTemplate::Render, but guarantees that each control literal from a message is in an input
// span. Templates can lose the marks of input (with tojson, for example). So if a message contains
// control literals, the conversation is rendered again with these overwritten; where the results
// differ, the text is the user's. kTemplateFailed when the two cannot be compared.
Result<RenderedPrompt> RenderMarked(const ChatTemplate& chat, const Tokenizer& tokenizer,
                                    const std::vector<Message>& messages,
                                    bool add_generation_prompt, std::time_t now);

}  // namespace sentiric::backend
