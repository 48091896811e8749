// SPDX-License-Identifier: AGPL-3.0-only
// Lists of bound types become tuples in Python, because changes to a copied list would be lost.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <utility>
#include <vector>

namespace sentiric::bindings {

template <typename T>
pybind11::tuple ToTuple(const std::vector<T>& items) {
  pybind11::tuple tuple(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) tuple[i] = pybind11::cast(items[i]);
  return tuple;
}

// Binds a member as a tuple that is assigned as a whole, from any sequence.
template <typename Class, typename T, typename... Options>
void BindTuple(pybind11::class_<Class, Options...>* bound, const char* name,
               std::vector<T> Class::* member) {
  bound->def_property(
      name, [member](const Class& self) { return ToTuple(self.*member); },
      [member](Class& self, std::vector<T> items) { self.*member = std::move(items); });
}

}  // namespace sentiric::bindings
