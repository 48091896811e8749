// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/plan/why_empty.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/grammar/schema/keywords.h"

namespace sentiric::grammar {
namespace {

using Kind = JsonValue::Kind;
using Names = std::vector<std::string_view>;

// Values of schemas that are copied to see what remains without a keyword.
constexpr std::size_t kMaxCopied = 100'000;
// Entries of a list that are looked at one by one.
constexpr std::size_t kMaxEntries = 50;

std::size_t SizeOf(const JsonValue& root) {
  std::size_t size = 0;
  std::vector<const JsonValue*> todo = {&root};
  for (; !todo.empty(); ++size) {
    const JsonValue* value = todo.back();
    todo.pop_back();
    for (const JsonValue& item : value->items) todo.push_back(&item);
    for (const JsonValue::Member& member : value->members) todo.push_back(&member.second);
  }
  return size;
}

bool Has(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// "`minLength` 5"
std::string Shown(const JsonValue& schema, std::string_view keyword) {
  constexpr std::size_t kMost = 40;
  std::string name = "`" + std::string(keyword) + "`";
  const JsonValue& value = *schema.Find(keyword);
  if (value.Is(Kind::kTrue)) return name + " true";
  if (value.Is(Kind::kFalse)) return name + " false";
  if (value.text.empty() || value.text.size() > kMost) return name;
  const bool is_word = value.Is(Kind::kNumber) || keyword == "type" || keyword == "format";
  return name + (is_word ? " " + value.text : " " + Quoted(value.text));
}

std::string Joined(const std::vector<std::string>& parts) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i)
    text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  return text;
}

// When the budget is used up, the place found so far is the answer.
class Search {
 public:
  Search(Document* document, Places* places) : document_(*document), places_(*places) {}

  Error Run() {
    const JsonValue* schema = &document_.root();
    std::unordered_set<const JsonValue*> seen;
    for (;;) {
      seen.insert(schema);
      if (schema->Is(Kind::kFalse)) return Refused(schema, "", "`false` allows none");
      const Names needed = Needed(*schema);
      const JsonValue* inner = ToBlame(*schema, needed);
      if (inner == nullptr) return Explained(*schema, needed);
      if (seen.count(inner) > 0) return Refused(schema, "", "it holds itself without an end");
      schema = inner;
    }
  }

 private:
  Error Refused(const JsonValue* schema, std::string_view keyword, const std::string& why) const {
    const std::string what = why.empty() ? "no value is valid" : "no value is valid: " + why;
    return document_.ErrorAt(schema, keyword, what + because_);
  }

  // False also when it cannot be told.
  bool IsEmpty(Expr expr) {
    if (is_over_) return false;
    const Result<bool> possible = places_.IsPossible(expr);
    is_over_ = !possible && places_.expressions()->Spend(0);
    return possible && !*possible;
  }
  bool IsEmpty(const JsonValue& schema) { return IsEmpty(places_.expressions()->Schema(&schema)); }

  // A schema of these keywords alone; nullopt when too much was copied.
  std::optional<JsonValue> PartOf(const JsonValue& schema, const Names& keywords) {
    JsonValue part;
    part.kind = Kind::kObject;
    for (std::string_view keyword : keywords) {
      copied_ += SizeOf(*schema.Find(keyword));
      if (copied_ > kMaxCopied) return std::nullopt;
      part.members.emplace_back(keyword, *schema.Find(keyword));
    }
    return part;
  }

  bool IsEmptyWith(const JsonValue& schema, const Names& keywords) {
    std::optional<JsonValue> part = PartOf(schema, keywords);
    return part && IsEmpty(*document_.MakeOf(&schema, *std::move(part)));
  }

  // Keywords that have no value together, and would without any of them; all that count when that
  // cannot be told.
  Names Needed(const JsonValue& schema) {
    static const Names kLast = {"properties", "items", "prefixItems", "allOf",
                                "anyOf",      "oneOf", "$ref",        "type"};
    Names all;
    for (const JsonValue::Member& member : schema.members) {
      const Keyword* keyword = FindKeyword(member.first);
      const bool counts = keyword != nullptr && keyword->role == KeywordRole::kEnforced;
      if (counts || member.first == "$ref" || member.first == "$dynamicRef")
        all.push_back(member.first);
    }
    // What says most is left out last.
    std::stable_partition(all.begin(), all.end(), [](auto name) { return !Has(kLast, name); });
    is_minimal_ = IsEmptyWith(schema, all);
    Names needed = all;
    for (std::string_view keyword : all) {
      if (!is_minimal_) break;
      Names fewer = needed;
      fewer.erase(std::find(fewer.begin(), fewer.end(), keyword));
      if (IsEmptyWith(schema, fewer)) needed = std::move(fewer);
    }
    is_minimal_ &= !is_over_ && copied_ <= kMaxCopied;
    if (!is_minimal_) return all;
    // What says which members and items the others are.
    for (const auto& [keyword, others] :
         {std::pair("properties", "additionalProperties"), std::pair("prefixItems", "items")}) {
      if (Has(needed, others) && !Has(needed, keyword) && Has(all, keyword))
        needed.push_back(keyword);
    }
    return needed;
  }

  // A schema inside that has no value and that this one cannot do without; null if there is none.
  const JsonValue* ToBlame(const JsonValue& schema, const Names& needed) {
    for (std::string_view keyword : needed) {
      const JsonValue* inner = nullptr;
      const JsonValue& value = *schema.Find(keyword);
      if (keyword == "required") inner = RequiredToBlame(schema, needed);
      if (keyword == "$ref") inner = Target(schema, value.text);
      if (keyword == "allOf" || (keyword == "prefixItems" && is_minimal_))
        inner = FirstEmpty(value, 1);
      if (keyword == "anyOf" || keyword == "oneOf") {
        inner = FirstEmpty(value, value.items.size());
        if (inner != nullptr) because_ = "; no branch of `" + std::string(keyword) + "` has one";
      }
      const bool holds = is_minimal_ && (keyword == "items" || keyword == "contains");
      if (holds && value.Is(Kind::kObject) && IsEmpty(value)) inner = &value;
      if (inner != nullptr) return inner;
    }
    return nullptr;
  }

  const JsonValue* RequiredToBlame(const JsonValue& schema, const Names& needed) {
    if (!Has(needed, "properties")) return nullptr;
    for (const JsonValue& name : schema.Find("required")->items) {
      const JsonValue* property = schema.Find("properties")->Find(name.text);
      if (property == nullptr || !IsEmpty(*property)) continue;
      because_ = "; the member " + Quoted(name.text) + " is required";
      return property;
    }
    return nullptr;
  }

  const JsonValue* Target(const JsonValue& schema, const std::string& reference) {
    const Result<const JsonValue*> target = document_.Resolve(&schema, reference);
    return target && IsEmpty(**target) ? *target : nullptr;
  }

  // The first schema of a list without a value, if at least so many have none.
  const JsonValue* FirstEmpty(const JsonValue& list, std::size_t least) {
    const JsonValue* first = nullptr;
    for (const JsonValue& item : list.items) {
      if (!IsEmpty(item)) continue;
      if (first == nullptr) first = &item;
      if (--least == 0) return first;
    }
    return nullptr;
  }

  Error Explained(const JsonValue& schema, const Names& needed) {
    if (!is_minimal_) return Refused(&schema, "", "");
    if (Has(needed, "required")) {
      if (const JsonValue* name = NameToBlame(schema, needed))
        return Refused(&schema, "required", MissingMember(schema, needed, name->text));
    }
    if (needed.size() == 1) {
      const std::string_view only = needed[0];
      const JsonValue& value = *schema.Find(only);
      return Refused(&schema, only, only == "allOf" ? Branches(value) : Alone(only, value));
    }
    return Refused(&schema, "", Contradiction(schema, needed));
  }

  static std::string Alone(std::string_view keyword, const JsonValue& value) {
    const bool is_empty = value.Is(Kind::kArray) && value.items.empty();
    return "`" + std::string(keyword) + (is_empty ? "` is empty" : "` allows none");
  }

  static std::string Contradiction(const JsonValue& schema, const Names& needed) {
    std::vector<std::string> parts;
    for (const JsonValue::Member& member : schema.members) {
      const bool is_obvious = member.first == "type" && needed.size() > 2;
      if (Has(needed, member.first) && !is_obvious) parts.push_back(Shown(schema, member.first));
    }
    return Joined(parts) + " contradict each other";
  }

  // The name that alone leaves no value; null when several do so together.
  const JsonValue* NameToBlame(const JsonValue& schema, const Names& needed) {
    const JsonValue& required = *schema.Find("required");
    if (required.items.size() > kMaxEntries) return nullptr;
    for (const JsonValue& name : required.items) {
      std::optional<JsonValue> alone = PartOf(schema, needed);
      if (!alone) return nullptr;
      for (auto& [keyword, value] : alone->members) {
        if (keyword == "required") value.items = {name};
      }
      if (IsEmpty(*document_.MakeOf(&schema, *std::move(alone)))) return &name;
    }
    return nullptr;
  }

  static std::string MissingMember(const JsonValue& schema, const Names& needed,
                                   const std::string& name) {
    std::vector<std::string> parts;
    for (std::string_view keyword : needed) {
      if (keyword != "required" && keyword != "type") parts.push_back(Shown(schema, keyword));
    }
    if (parts.empty()) parts.push_back(Shown(schema, "type"));
    return "the member " + Quoted(name) + " is required, which " + Joined(parts) +
           (parts.size() == 1 ? " does" : " do") + " not allow";
  }

  // Branches of allOf that have no value together, and would without any of them.
  std::string Branches(const JsonValue& all_of) {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < all_of.items.size(); ++i) chosen.push_back(i);
    if (chosen.size() > kMaxEntries) return Alone("allOf", all_of);
    for (std::size_t i = 0; i < all_of.items.size(); ++i) {
      std::vector<Expr> left;
      for (std::size_t k : chosen) {
        if (k != i) left.push_back(places_.expressions()->Schema(&all_of.items[k]));
      }
      if (IsEmpty(places_.expressions()->All(std::move(left))))
        chosen.erase(std::find(chosen.begin(), chosen.end(), i));
    }
    if (is_over_) return Alone("allOf", all_of);
    std::vector<std::string> parts;
    for (std::size_t k : chosen) parts.push_back("`allOf/" + std::to_string(k) + "`");
    return Joined(parts) + " contradict each other";
  }

  Document& document_;
  Places& places_;
  std::size_t copied_ = 0;
  bool is_over_ = false;
  bool is_minimal_ = false;  // what Needed returned last
  std::string because_;      // why the schema in hand must have a value
};

}  // namespace

Error WhyEmpty(Document* document, Places* places) { return Search(document, places).Run(); }

}  // namespace sentiric::grammar
