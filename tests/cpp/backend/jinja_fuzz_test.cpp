// SPDX-License-Identifier: AGPL-3.0-only
// Random templates: none may end the process, keep memory, or take more than the limits allow.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "backend/template/jinja_template.h"
#include "check.h"
#include "hostile_templates.h"
#include "memory_meter.h"
#include "vocabularies.h"

namespace sentiric::backend {
namespace {

constexpr std::ptrdiff_t kMostBytes = std::ptrdiff_t{64} << 20;

struct Outcome {
  bool compiled = false;
  bool rendered = false;
  bool limited = false;
  bool typed = true;
  std::ptrdiff_t peak = 0;
  std::ptrdiff_t kept = 0;
  // A fortieth of the work, so that many templates can be tried.
  static constexpr std::int64_t kSpared = JinjaLimits::kWork - JinjaLimits::kWork / 40;
  RenderAllowance used;
};

Outcome Run(const std::string& source) {
  static const std::vector<Message> messages = {
      {"user", "a b\n" + std::string(200, 'x')}, {"assistant", "c"}, {"user", ""}};
  Outcome outcome;
  const auto compiled = JinjaTemplate::Compile(source);
  outcome.compiled = compiled.ok();
  if (!compiled.ok()) {
    outcome.typed = compiled.error().code == ErrorCode::kTemplateFailed;
    return outcome;
  }
  JinjaInput input = testing::InputOf(messages);
  input.now = 1700000000;
  outcome.used.work = Outcome::kSpared;
  const testing::MemoryMeter meter;
  {
    const auto result = (*compiled)->Render(input, &outcome.used);
    outcome.rendered = result.ok();
    outcome.peak = meter.peak();
    if (!result.ok()) {
      outcome.limited = IsTemplateLimit(result.error());
      outcome.typed = result.error().code == ErrorCode::kTemplateFailed &&
                      result.error().where == "chat_template";
    }
  }
  outcome.kept = meter.bytes();
  return outcome;
}

// More by hand: SENTIRIC_TEMPLATES=50000 backend_tests JinjaFuzz
std::uint64_t Count() {
  const char* const given = std::getenv("SENTIRIC_TEMPLATES");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 2000;
}

TEST(JinjaFuzz, NoTemplateHurts) {
  std::uint64_t rendered = 0, limited = 0, failed = 0;
  std::ptrdiff_t peak = 0;
  const Status stopped = testing::Pool().Run([&] {
    for (std::uint64_t seed = 0; seed < Count(); ++seed) {
      const std::string source = testing::HostileTemplate(seed);
      Outcome outcome = Run(source);
      // The engine's tables are made at their first use; what a template keeps, it keeps each time.
      if (outcome.kept > 0) outcome.kept = Run(source).kept;
      const bool good = outcome.typed && outcome.peak <= kMostBytes && outcome.kept <= 0 &&
                        outcome.used.peak_bytes <= JinjaLimits::kMemoryBytes &&
                        outcome.used.work <= JinjaLimits::kWork &&
                        outcome.used.longest <= JinjaLimits::kLongestWork;
      if (!EXPECT(good)) {
        std::printf("  seed %llu: peak %td, kept %td, counted %zu\n%s\n",
                    static_cast<unsigned long long>(seed), outcome.peak, outcome.kept,
                    outcome.used.peak_bytes, source.c_str());
      }
      rendered += outcome.rendered;
      limited += outcome.limited;
      failed += !outcome.rendered && !outcome.limited;
      peak = outcome.peak > peak ? outcome.peak : peak;
    }
  });
  EXPECT(!stopped.has_value());
  std::printf("  templates: %llu rendered, %llu met a limit, %llu failed; peak %td bytes\n",
              static_cast<unsigned long long>(rendered), static_cast<unsigned long long>(limited),
              static_cast<unsigned long long>(failed), peak);
  // A generator whose templates all fail at once would try nothing.
  EXPECT(rendered > Count() / 20);
  EXPECT(limited > Count() / 20);
}

}  // namespace
}  // namespace sentiric::backend
