// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include "core/grammar/plan/places.h"
#include "core/grammar/schema/document.h"
#include "sentiric/error.h"

namespace sentiric::grammar {

// Why the root of the document has no value: kInvalidGrammar at the deepest schema that has none by
// itself and that the root cannot do without, with the keywords in it that contradict each other.
// Looks no further when the document's budget of work is used up.
Error WhyEmpty(Document* document, Places* places);

}  // namespace sentiric::grammar
