// SPDX-License-Identifier: AGPL-3.0-only
// Renders a conversation without losing track of the text that users wrote.
#pragma once

#include "backend/model/tokenizer.h"
#include "backend/prompt/chat_template.h"

namespace sentiric::backend {

// Like ChatTemplate::Render, but guarantees that each control literal from the caller's texts is in
// an input span: from messages, calls, tools and template arguments, inside JSON too. Templates can
// lose the marks of input (with tojson, for example). So if a text contains control literals, the
// conversation is rendered again with these overwritten; where the results differ, the text is the
// caller's. A template may cut marks that it looks for out of answers of the assistant; those it
// leaves there are its own. kTemplateFailed when the two cannot be compared.
Result<RenderedPrompt> RenderMarked(const ChatTemplate& chat, const Tokenizer& tokenizer,
                                    const Prompt& prompt, RenderOptions options);

}  // namespace sentiric::backend
