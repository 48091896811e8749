// SPDX-License-Identifier: AGPL-3.0-only
// Changes a conversation into one that a template accepts. Pure.
#pragma once

#include <string>
#include <vector>

#include "backend/prompt/template_shape.h"
#include "sentiric/types.h"

namespace sentiric::backend {

// The messages as the shape wants them. Nothing that somebody said is left out: what the template
// has no place for becomes text of a message. "developer" becomes "system". Results get the id and
// the name of their call where they have none; calls without an id get one.
std::vector<Message> Shaped(const std::vector<Message>& messages, const TemplateShape& shape);

// A call as a line of text: {"name": ..., "arguments": ...}.
std::string CallText(const ToolCall& call);

// Nine letters and digits that stand for the id, itself if it is such.
std::string ShortId(const std::string& id);

}  // namespace sentiric::backend
