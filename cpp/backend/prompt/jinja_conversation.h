// SPDX-License-Identifier: AGPL-3.0-only
// The variables that a chat template gets: messages, tools and the caller's own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backend/prompt/jinja_values.h"
#include "backend/prompt/template_shape.h"
#include "backend/template/jinja_template.h"
#include "sentiric/types.h"

namespace sentiric::backend {

// Texts of the caller are marked as input; roles and special tokens are the template's own.
struct ConversationInput {
  const std::vector<Message>* messages = nullptr;
  const std::vector<Tool>* tools = nullptr;         // null = none
  const std::string* template_arguments = nullptr;  // null = none
  TemplateShape shape;
  bool add_generation_prompt = true;
  std::string bos_token;
  std::string eos_token;
  TextFilter filter;
  TextFilter answer_filter;  // for contents of the assistant; null = as for the others
};

// Whether the template gets this variable from us, so that callers may not set it.
bool IsOwnVariable(std::string_view name);

// Call while a RenderBudget counts. JSON that ParseJsonObject refuses is left out of tools and
// variables, which CheckConversation has seen. Arguments of a call that are no JSON object are
// passed on as text: as they are where the template takes text, else as {"arguments": TEXT}.
std::vector<JinjaInput::Variable> MakeVariables(const ConversationInput& input);

}  // namespace sentiric::backend
