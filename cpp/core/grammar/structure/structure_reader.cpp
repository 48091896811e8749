// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/structure/structure_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

namespace sentiric::grammar {
namespace {

using Kind = StructureNode::Kind;
using JsonKind = JsonValue::Kind;

constexpr std::array<std::string_view, 10> kNames = {
    "text", "sequence", "choice", "repeat", "free", "schema", "members", "raw", "regex", "gbnf"};
constexpr std::size_t kMaxRawNames = 4096;

std::optional<Kind> KindOf(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Kind>(found - kNames.begin());
}

// Texts around the members of an object.
bool IsMark(std::string_view name) {
  return name == "begin" || name == "raw_key_end" || name == "json_key_end" || name == "end" ||
         name == "after";
}

// Members beside the one that names the kind.
bool IsOption(Kind kind, std::string_view name) {
  if (kind == Kind::kRepeat) return name == "min" || name == "max" || name == "between";
  if (kind == Kind::kSchema) return name == "quote";
  if (kind == Kind::kMembers) return name == "raw_names" || IsMark(name);
  return kind == Kind::kRaw && name == "without";
}

// Of a number written in a few digits.
std::optional<std::uint32_t> CountOf(const JsonValue& value) {
  const bool is_plain = value.Is(JsonKind::kNumber) && value.text.size() <= 9 &&
                        value.text.find_first_not_of("0123456789") == std::string::npos;
  if (!is_plain) return std::nullopt;
  return static_cast<std::uint32_t>(std::stoul(value.text));
}

class Reader {
 public:
  explicit Reader(const StructureLimits& limits) : limits_(limits) {}

  // Takes what it needs out of `value`.
  Status Read(JsonValue* value, StructureNode* node) {
    if (++num_nodes_ > limits_.nodes)
      return Refused("too many nodes", num_nodes_, "at most " + std::to_string(limits_.nodes));
    if (++depth_ > limits_.depth)
      return Refused("nested too deeply", depth_, "at most " + std::to_string(limits_.depth));
    const std::size_t size = where_.size();
    if (Status error = ReadMembers(value, node)) return error;
    where_.resize(size);
    --depth_;
    return std::nullopt;
  }

 private:
  Status ReadMembers(JsonValue* value, StructureNode* node) {
    if (!value->Is(JsonKind::kObject)) return WrongType(*value, "an object");
    JsonValue* content = nullptr;
    for (JsonValue::Member& member : value->members) {
      const std::optional<Kind> kind = KindOf(member.first);
      if (!kind) continue;
      if (content != nullptr) return Refused("two kinds in one node", member.first, "one");
      node->kind = *kind;
      content = &member.second;
    }
    if (content == nullptr) {
      return Error{
          ErrorCode::kInvalidGrammar, where_,
          "has no kind; allowed text, sequence, choice, repeat, free, schema, members, raw, "
          "regex, gbnf"};
    }
    where_ += "/" + std::string(KindName(node->kind));
    for (const JsonValue::Member& member : value->members) {
      if (KindOf(member.first) || IsOption(node->kind, member.first)) continue;
      return Refused("unknown member", Quoted(Shortened(member.first)), "only known ones");
    }
    return ReadContent(content, *value, node);
  }

  Status ReadContent(JsonValue* content, const JsonValue& value, StructureNode* node) {
    switch (node->kind) {
      case Kind::kText:
      case Kind::kRegex:
      case Kind::kGbnf:
        if (!content->Is(JsonKind::kString)) return WrongType(*content, "a string");
        node->text = std::move(content->text);
        return std::nullopt;
      case Kind::kSequence:
      case Kind::kChoice: return ReadChildren(content, node);
      case Kind::kRepeat:
        if (Status error = ReadTimes(value, &node->times)) return error;
        if (Status error = ReadText(value, "between", &node->text)) return error;
        return Read(content, &node->children.emplace_back());
      case Kind::kFree: return ReadParts(*content, node);
      case Kind::kSchema:
        if (Status error = ReadSchema(content, &node->schema)) return error;
        return ReadText(value, "quote", &node->quote);
      case Kind::kMembers: return ReadMarks(content, value, node);
      case Kind::kRaw: break;
    }
    if (Status error = ReadSchema(content, &node->schema)) return error;
    const JsonValue* parts = value.Find("without");
    return parts == nullptr ? std::nullopt : ReadParts(*parts, node);
  }

  // A string is the text of a schema, whose numbers keep their digits that way.
  Status ReadSchema(JsonValue* content, JsonValue* schema) const {
    if (!content->Is(JsonKind::kString)) {
      *schema = std::move(*content);
      return std::nullopt;
    }
    Result<JsonValue> parsed = ParseJson(content->text);
    if (!parsed) {
      return Error{ErrorCode::kInvalidGrammar,
                   where_ + parsed.error().where.substr(std::min(
                                parsed.error().where.size(), std::string("json_schema").size())),
                   parsed.error().what};
    }
    *schema = *std::move(parsed);
    return std::nullopt;
  }

  // An optional text.
  Status ReadText(const JsonValue& value, std::string_view name, std::string* text) const {
    const JsonValue* found = value.Find(name);
    if (found == nullptr) return std::nullopt;
    if (!found->Is(JsonKind::kString) || found->text.size() > limits_.part_bytes) {
      return Refused(std::string(name) + " is out of range", ShownValue(*found),
                     "a string of at most " + std::to_string(limits_.part_bytes) + " bytes");
    }
    *text = found->text;
    return std::nullopt;
  }

  Status ReadMarks(JsonValue* content, const JsonValue& value, StructureNode* node) const {
    if (Status error = ReadSchema(content, &node->schema)) return error;
    MemberNotation& marks = node->members;
    for (const auto& [name, text] : {std::pair{"begin", &marks.begin},
                                     {"raw_key_end", &marks.raw_key_end},
                                     {"json_key_end", &marks.json_key_end},
                                     {"end", &marks.end},
                                     {"after", &marks.after}}) {
      if (Status error = ReadText(value, name, text)) return error;
    }
    if (marks.begin.empty() || marks.end.empty() || marks.raw_key_end.empty() ||
        marks.json_key_end.empty() || marks.raw_key_end[0] != marks.json_key_end[0]) {
      return Error{ErrorCode::kInvalidGrammar, where_,
                   "needs begin, raw_key_end, json_key_end and end; the ends of keys begin alike"};
    }
    const JsonValue* names = value.Find("raw_names");
    if (names == nullptr) return std::nullopt;
    if (!names->Is(JsonKind::kArray) || names->items.size() > kMaxRawNames)
      return WrongType(*names, "an array of names");
    for (const JsonValue& name : names->items) {
      if (!name.Is(JsonKind::kString)) return WrongType(name, "an array of names");
      marks.raw.insert(name.text);
    }
    return std::nullopt;
  }

  Status ReadChildren(JsonValue* list, StructureNode* node) {
    if (!list->Is(JsonKind::kArray)) return WrongType(*list, "an array");
    if (node->kind == Kind::kChoice && list->items.empty())
      return Refused("nothing to choose from", "an empty array", "at least one node");
    const std::size_t size = where_.size();
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      where_ += "/" + std::to_string(i);
      if (Status error = Read(&list->items[i], &node->children.emplace_back())) return error;
      where_.resize(size);
    }
    return std::nullopt;
  }

  Status ReadTimes(const JsonValue& value, LengthWindow* times) {
    for (const auto& [name, bound] : {std::pair{"min", &times->min}, {"max", &times->max}}) {
      const JsonValue* found = value.Find(name);
      if (found == nullptr) continue;
      const std::optional<std::uint32_t> count = CountOf(*found);
      if (!count || *count > limits_.times)
        return Refused(std::string(name) + " is out of range", ShownValue(*found),
                       "an integer from 0 to " + std::to_string(limits_.times));
      *bound = *count;
    }
    if (!times->IsEmpty()) return std::nullopt;
    return Refused("min is above max", times->min, "at most " + std::to_string(times->max));
  }

  Status ReadParts(const JsonValue& list, StructureNode* node) const {
    const std::string texts = "an array of at most " + std::to_string(limits_.parts) +
                              " strings of 1 to " + std::to_string(limits_.part_bytes) + " bytes";
    if (!list.Is(JsonKind::kArray)) return WrongType(list, texts);
    if (list.items.size() > limits_.parts)
      return Refused("too many texts", list.items.size(), texts);
    for (const JsonValue& item : list.items) {
      if (!item.Is(JsonKind::kString)) return WrongType(item, texts);
      if (item.text.empty() || item.text.size() > limits_.part_bytes)
        return Refused("wrong size", std::to_string(item.text.size()) + " bytes", texts);
      node->parts.push_back(item.text);
    }
    return std::nullopt;
  }

  static std::string Shortened(const std::string& name) { return name.substr(0, 40); }
  static std::string ShownValue(const JsonValue& value) {
    if (value.Is(JsonKind::kNumber) && value.text.size() <= 40) return value.text;
    return std::string(KindName(value.kind));
  }

  Error WrongType(const JsonValue& value, const std::string& allowed) const {
    return Refused("wrong type", KindName(value.kind), allowed);
  }
  Error Refused(const std::string& what, std::size_t got, const std::string& allowed) const {
    return Refused(what, std::to_string(got), allowed);
  }
  Error Refused(const std::string& what, std::string_view got, const std::string& allowed) const {
    return Error{ErrorCode::kInvalidGrammar, where_,
                 what + "; got " + std::string(got) + ", allowed " + allowed};
  }

  const StructureLimits limits_;
  std::string where_ = "structure";
  std::size_t depth_ = 0;
  std::size_t num_nodes_ = 0;
};

}  // namespace

std::string_view KindName(StructureNode::Kind kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

Result<StructureNode> ReadStructure(std::string_view text, const StructureLimits& limits) {
  Result<JsonValue> json = ParseJson(text);
  if (!json) {
    Error error = json.error();
    error.where.replace(0, std::string_view("json_schema").size(), "structure");
    return error;
  }
  StructureNode root;
  if (Status error = Reader(limits).Read(&*json, &root)) return std::move(*error);
  return root;
}

}  // namespace sentiric::grammar
