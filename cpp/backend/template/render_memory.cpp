// SPDX-License-Identifier: AGPL-3.0-only
#include "backend/template/render_memory.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "backend/template/jinja_template.h"
#include "backend/template/render_budget.h"
#include "backend/template/value_extent.h"

namespace sentiric::backend {
namespace {

constexpr int kInProgress = -1;

template <typename Visitor>
void ForEachPart(const jinja::value_t& value, const Visitor& visit) {
  for (const jinja::value& item : value.val_arr) visit(*item);
  for (const auto& [key, item] : value.val_obj) {
    visit(*key);
    visit(*item);
  }
  switch (KindOf(value)) {
    case ValueKind::kFunction:
      if (const auto& self = static_cast<const jinja::value_func_t&>(value).arg0) visit(*self);
      break;
    case ValueKind::kKeyword: visit(*static_cast<const jinja::value_kwarg_t&>(value).val); break;
    default: break;
  }
}

// Moves the contents out of a value, so that freeing a chain does not recurse.
void Empty(jinja::value_t* value, std::vector<jinja::value>* contents) {
  for (jinja::value& item : value->val_arr) contents->push_back(std::move(item));
  value->val_arr.clear();
  for (auto& [key, item] : value->val_obj) contents->push_back(std::move(item));
  value->val_obj.clear();
  if (auto* mapping = dynamic_cast<jinja::value_object_t*>(value)) mapping->unordered.clear();
}

}  // namespace

RenderMemory::~RenderMemory() {
  std::vector<jinja::value> contents;
  for (const std::weak_ptr<jinja::value_t>& known : known_) {
    if (const jinja::value alive = known.lock()) Empty(alive.get(), &contents);
  }
}

void RenderMemory::Remember(const jinja::value& value) {
  const ValueKind kind = KindOf(*value);
  const bool is_container = kind == ValueKind::kList || kind == ValueKind::kMapping ||
                            kind == ValueKind::kFunction || kind == ValueKind::kKeyword;
  if (!is_container && FlatBytes(*value) < kSmallText) return;
  if (known_.size() >= forget_at_) Forget();
  known_.push_back(value);
}

void RenderMemory::Forget() {
  std::unordered_set<const jinja::value_t*> seen;
  const auto is_done = [&](const std::weak_ptr<jinja::value_t>& known) {
    const jinja::value alive = known.lock();
    return alive == nullptr || !seen.insert(alive.get()).second;
  };
  known_.erase(std::remove_if(known_.begin(), known_.end(), is_done), known_.end());
  forget_at_ = std::max<std::size_t>(1024, 2 * known_.size());
}

std::size_t RenderMemory::Recount() {
  Forget();
  alive_ = 0;
  since_ = 0;
  Heights heights;
  for (const std::weak_ptr<jinja::value_t>& known : known_) {
    if (const jinja::value alive = known.lock()) Visit(*alive, 0, &heights);
  }
  return heights.size();
}

// Returns the number of levels below the value.
int RenderMemory::Visit(const jinja::value_t& value, int depth, Heights* heights) {
  const auto [entry, is_new] = heights->try_emplace(&value, kInProgress);
  if (!is_new && entry->second == kInProgress) {
    RenderBudget::Current().Refuse("a value contains itself");
  }
  int height = is_new ? 0 : entry->second;
  if (depth + height > JinjaLimits::kDepth) {
    RenderBudget::Current().Refuse("a value contains itself or nests too deeply");
  }
  if (!is_new) return height;
  alive_ += MemoryOf(value);
  ForEachPart(value, [&](const jinja::value_t& part) {
    height = std::max(height, 1 + Visit(part, depth + 1, heights));
  });
  (*heights)[&value] = height;
  return height;
}

}  // namespace sentiric::backend
