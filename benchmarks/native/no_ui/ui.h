// SPDX-License-Identifier: AGPL-3.0-only
// The table of web assets that llama-server asks for, empty.
#pragma once

#include <array>
#include <string>

struct llama_ui_asset {
  std::string name;
};

inline const std::array<llama_ui_asset, 0>& llama_ui_get_assets() {
  static const std::array<llama_ui_asset, 0> none{};
  return none;
}
