// SPDX-License-Identifier: AGPL-3.0-only
#pragma once

#include <string>
#include <utility>

#include "jinja/value.h"

namespace sentiric::backend {

// A number that is printed as its JSON spelled it, because the engine's own print rounds. Computing
// with it gives an ordinary number.
class SpelledNumber final : public jinja::value_float_t {
 public:
  SpelledNumber(double number, std::string spelling)
      : jinja::value_float_t(number), spelling_(std::move(spelling)) {}

  jinja::string as_string() const override { return spelling_; }
  const std::string& spelling() const { return spelling_; }

 private:
  const std::string spelling_;
};

}  // namespace sentiric::backend
