// SPDX-License-Identifier: AGPL-3.0-only
#include "sentiric/prompt.h"

namespace sentiric {

std::string RenderedPrompt::Text() const {
  std::string text;
  for (const Span& span : spans) text += span.text;
  return text;
}

}  // namespace sentiric
