// SPDX-License-Identifier: AGPL-3.0-only
// Measures a template's value before code walks through all of it.
#pragma once

#include <cstddef>
#include <string>

#include "jinja/value.h"

namespace sentiric::backend {

enum class ValueKind { kString, kList, kMapping, kFunction, kKeyword, kNumber, kOther };
ValueKind KindOf(const jinja::value_t& value);

// As a tree: a value that is reached twice counts twice, because it is printed twice.
struct Extent {
  std::size_t nodes = 0;
  std::size_t bytes = 0;  // of text, if all of it were printed
  std::size_t depth = 0;
};

enum class TextForm {
  kPlain,
  kEscaped,  // as JSON, up to six bytes for one
  kAscii,    // the same for non-ASCII bytes, too
};

// Throws a std::exception when the value contains itself, nests deeper than JinjaLimits::kDepth or
// is larger than any operation may handle.
Extent Measure(const jinja::value& value, TextForm form = TextForm::kPlain);

// The bytes of a string with its parts, or of a list's pointers, without nested values.
std::size_t FlatBytes(const jinja::value_t& value);

// The memory of the value, without nested values.
std::size_t MemoryOf(const jinja::value_t& value);

}  // namespace sentiric::backend
