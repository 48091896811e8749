// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

namespace sentiric::backend {

// How a template wants a conversation. TemplateProbe finds it out; a conversation that the template
// refuses may need more of the changes.
struct TemplateShape {
  // What every message needs.
  bool typed_content = false;  // content as [{"type": "text", "text": ...}]
  bool join_adjacent = false;  // no two messages of one role in a row
  bool fold_system = false;    // system text inside the next user message
  bool user_first = false;     // an empty user message before an assistant that begins

  // What tools need.
  bool takes_tools = false;        // prints the tools
  bool calls_as_text = true;       // calls become JSON lines of the content
  bool result_as_user = false;     // results of calls become user messages
  bool orphan_as_user = false;     // results without a call do
  bool arguments_as_text = false;  // else an object
  bool single_calls = false;       // one call in each message
  bool null_content = false;       // none beside calls, where there is no text
  bool content_apart = false;      // a text beside calls in a message of its own before them
  bool short_ids = false;          // nine letters and digits
  bool user_before_calls = false;  // user_first, where there are tools
  bool prints_reasoning = false;   // of earlier messages, at least when asked to
};

}  // namespace sentiric::backend
