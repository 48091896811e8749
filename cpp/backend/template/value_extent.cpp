// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/value_extent.h"

#include <typeinfo>

#include "backend/template/jinja_template.h"
#include "backend/template/render_budget.h"
#include "backend/template/spelled_number.h"

namespace sentiric::backend {
namespace {

// A printed double has up to 309 digits before the point.
constexpr std::size_t kNumberBytes = 320;
constexpr std::size_t kIntegerBytes = 24;
constexpr std::size_t kWordBytes = 32;     // True, None, a function's brackets
constexpr std::size_t kValueObject = 288;  // a value with its control block, as allocated
constexpr std::size_t kKeyBytes = 112;     // a mapping's entry, in order and by hash

std::size_t EscapedBytes(const std::string& text, bool ascii) {
  std::size_t bytes = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || (c >= '\b' && c <= '\r' && c != '\v')) {
      bytes += 2;
    } else {
      bytes += byte < 0x20 || (ascii && byte >= 0x80) ? 6 : 1;
    }
  }
  return bytes;
}

std::size_t NumberBytes(const jinja::value_t& number) {
  if (typeid(number) == typeid(jinja::value_int_t)) return kIntegerBytes;
  const auto* spelled = dynamic_cast<const SpelledNumber*>(&number);
  return spelled != nullptr ? spelled->spelling().size() : kNumberBytes;
}

// An undefined value keeps its name.
std::size_t HintBytes(const jinja::value_t& value) {
  const auto* undefined = dynamic_cast<const jinja::value_undefined_t*>(&value);
  return undefined != nullptr ? undefined->hint.size() : 0;
}

class Meter {
 public:
  explicit Meter(TextForm form) : form_(form) {}

  void Visit(const jinja::value_t& value, std::size_t depth) {
    if (depth > JinjaLimits::kDepth) {
      RenderBudget::Current().Refuse("a value contains itself or nests too deeply");
    }
    extent_.depth = depth > extent_.depth ? depth : extent_.depth;
    ++extent_.nodes;
    extent_.bytes += 4;  // separators and quotes
    switch (KindOf(value)) {
      case ValueKind::kString: AddText(value.val_str); break;
      case ValueKind::kList:
        for (const jinja::value& item : value.val_arr) Visit(*item, depth + 1);
        break;
      case ValueKind::kMapping:
        for (const auto& [key, item] : value.val_obj) {
          Visit(*key, depth + 1);
          Visit(*item, depth + 1);
        }
        break;
      case ValueKind::kFunction: {
        const auto& function = static_cast<const jinja::value_func_t&>(value);
        extent_.bytes += kWordBytes + function.name.size();
        if (function.arg0) Visit(*function.arg0, depth + 1);
        break;
      }
      case ValueKind::kKeyword:
        Visit(*static_cast<const jinja::value_kwarg_t&>(value).val, depth + 1);
        break;
      case ValueKind::kNumber: extent_.bytes += NumberBytes(value); break;
      case ValueKind::kOther: extent_.bytes += kWordBytes + HintBytes(value); break;
    }
    if (extent_.nodes > kMaxNodes || extent_.bytes > kMaxBytes) {
      RenderBudget::Current().Refuse("a value is too large to walk through");
    }
  }

  const Extent& extent() const { return extent_; }

 private:
  static constexpr std::size_t kMaxNodes = 150000;
  static constexpr std::size_t kMaxBytes = 4 * JinjaLimits::kValueBytes;

  void AddText(const jinja::string& text) {
    for (const jinja::string_part& part : text.parts) {
      extent_.bytes += form_ == TextForm::kPlain
                           ? part.val.size()
                           : EscapedBytes(part.val, form_ == TextForm::kAscii);
      extent_.bytes += 8;  // the printed form of a function names each part
    }
  }

  TextForm form_;
  Extent extent_;
};

}  // namespace

ValueKind KindOf(const jinja::value_t& value) {
  const std::type_info& type = typeid(value);
  if (type == typeid(jinja::value_string_t)) return ValueKind::kString;
  if (type == typeid(jinja::value_int_t) || type == typeid(jinja::value_float_t) ||
      type == typeid(SpelledNumber)) {
    return ValueKind::kNumber;
  }
  if (type == typeid(jinja::value_array_t) || type == typeid(jinja::value_tuple_t)) {
    return ValueKind::kList;
  }
  if (type == typeid(jinja::value_object_t)) return ValueKind::kMapping;
  if (type == typeid(jinja::value_func_t)) return ValueKind::kFunction;
  if (type == typeid(jinja::value_kwarg_t)) return ValueKind::kKeyword;
  return ValueKind::kOther;
}

Extent Measure(const jinja::value& value, TextForm form) {
  Meter meter(form);
  meter.Visit(*value, 0);
  const Extent& extent = meter.extent();
  RenderBudget::Current().Work(static_cast<std::int64_t>(extent.nodes * 20 + extent.bytes / 4));
  return extent;
}

std::size_t FlatBytes(const jinja::value_t& value) {
  switch (KindOf(value)) {
    case ValueKind::kString: {
      std::size_t bytes = 0;
      for (const jinja::string_part& part : value.val_str.parts) {
        bytes += sizeof part + part.val.size();
      }
      return bytes;
    }
    case ValueKind::kList: return value.val_arr.size() * sizeof(jinja::value);
    case ValueKind::kMapping: return value.val_obj.size() * kKeyBytes;
    default: return HintBytes(value);
  }
}

std::size_t MemoryOf(const jinja::value_t& value) {
  std::size_t bytes =
      kValueObject + 64 + HintBytes(value);  // including a first part or the table of a mapping
  for (const jinja::string_part& part : value.val_str.parts) {
    bytes += part.val.capacity() > 15 ? part.val.capacity() + 32 : 0;
  }
  bytes += value.val_str.parts.capacity() * sizeof(jinja::string_part);
  bytes += value.val_arr.capacity() * sizeof(jinja::value);
  return bytes + value.val_obj.capacity() * kKeyBytes;
}

}  // namespace sentiric::backend
