// SPDX-License-Identifier: AGPL-3.0-only
// Finds out with test conversations of markers what a template wants and prints.
#pragma once

#include <functional>
#include <string>

#include "backend/prompt/template_shape.h"
#include "sentiric/error.h"
#include "sentiric/types.h"

namespace sentiric::backend {

// Renders a conversation in a shape, with a generation prompt.
using ShapedRender = std::function<Result<std::string>(const Prompt&, const TemplateShape&)>;

// kTemplateFailed when no shape keeps an ordinary conversation. Tools and reasoning never fail: a
// template without them has a shape that says so. source: of the template.
Result<TemplateShape> LearnTemplate(const std::string& source, const ShapedRender& render);

}  // namespace sentiric::backend
