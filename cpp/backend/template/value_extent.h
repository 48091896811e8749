// SPDX-License-Identifier: AGPL-3.0-only
// How large a template's value is, for code that will walk through all of it.
#pragma once

#include <cstddef>
#include <string>

#include "jinja/value.h"

namespace sentiric::backend {

enum class ValueKind { kString, kList, kMapping, kFunction, kKeyword, kNumber, kOther };
ValueKind KindOf(const jinja::value_t& value);

// As a tree: a value that is reached twice counts twice, because printing writes it twice.
struct Extent {
  std::size_t nodes = 0;
  std::size_t bytes = 0;  // of text, if all of it were printed
  std::size_t depth = 0;
};

enum class TextForm {
  kPlain,
  kEscaped,  // as JSON, which may make six bytes of one
  kAscii,    // likewise, and of each byte that is not ASCII
};

// Throws a std::exception when the value contains itself, nests deeper than JinjaLimits::kDepth or
// is larger than any operation may take.
Extent Measure(const jinja::value& value, TextForm form = TextForm::kPlain);

// The value itself without what is in it: bytes of a string and of its parts, of a list's pointers.
std::size_t FlatBytes(const jinja::value_t& value);

// What the value holds in memory without what is in it.
std::size_t MemoryOf(const jinja::value_t& value);

}  // namespace sentiric::backend
