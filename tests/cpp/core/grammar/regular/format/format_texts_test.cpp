// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/format/format_texts.h"

#include <cstdio>
#include <string>
#include <vector>

#include "check.h"
#include "core/grammar/regular/dfa_algebra.h"

namespace sentiric::grammar {
namespace {

using Texts = std::vector<std::string>;

void Check(const char* format, const Texts& valid, const Texts& invalid) {
  const Result<std::optional<TextSet>> set = FormatTexts(format);
  if (!EXPECT(set.ok() && set->has_value())) return;
  for (const std::string& text : valid) {
    if (!Contains(**set, text)) EXPECT_EQ(format + (": " + text), "valid");
  }
  for (const std::string& text : invalid) {
    if (Contains(**set, text)) EXPECT_EQ(format + (": " + text), "invalid");
  }
  EXPECT(!Contains(**set, "\n"));
}

bool IsLeapYear(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

TEST(FormatTexts, DateIsTheCalendar) {
  const TextSet dates = **FormatTexts("date");
  const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  for (int year : {0, 4, 100, 400, 1900, 1996, 1999, 2000, 2023, 2024, 2100, 9999}) {
    for (int month = 0; month <= 13; ++month) {
      for (int day = 0; day <= 32; ++day) {
        char text[32];
        std::snprintf(text, sizeof(text), "%04d-%02d-%02d", year, month, day);
        const bool exists = month >= 1 && month <= 12 && day >= 1 &&
                            day <= days[month - 1] + (month == 2 && IsLeapYear(year) ? 1 : 0);
        if (!EXPECT_EQ(Contains(dates, text), exists)) return;
      }
    }
  }
  Check("date", {}, {"", "2024-1-01", "24-01-01", "2024-01-01 ", "2024-01-01T", "٢024-01-01"});
}

TEST(FormatTexts, Times) {
  Check("time",
        {"00:00:00Z", "23:59:59.123456789+23:59", "12:30:15z", "23:59:60Z", "23:59:60-00:00"},
        {"24:00:00Z", "12:60:00Z", "12:30:61Z", "12:30:60Z", "12:30:15", "12:30Z", "12:30:15.Z",
         "12:30:15+24:00", "12:30:15+0100", "1:30:15Z", "22:59:60Z"});
  Check("date-time",
        {"2024-02-29T12:30:15Z", "1998-12-31t23:59:60.5z", "0000-01-01T00:00:00+00:00"},
        {"2023-02-29T12:30:15Z", "2024-02-29 12:30:15Z", "2024-02-29", "2024-02-29T12:30:15"});
  Check("duration", {"P1Y", "P1Y2M3DT4H5M6S", "P4W", "PT36H", "PT1M", "P0D", "P1M", "PT6S"},
        {"P", "PT", "P1YT", "1Y", "P1S", "P1Y1W", "PT1D", "P1D2H", "P1.5D", "P1Y1D", "PT1H1S",
         "P-1D"});
}

TEST(FormatTexts, Hosts) {
  const std::string label(63, 'a');
  Check("hostname",
        {"a", "example.com", "1host", "a-b.c", label,
         label + "." + label + "." + label + "." + label.substr(0, 61)},
        {"", "-a", "a-", "a..b", ".a", "a.", "a_b", "ä.de", label + "a", "ab--cd", "xn--x",
         label + "." + label + "." + label + "." + label.substr(0, 62)});
  Check("email", {"a@b.de", "first.last+tag@example.co.uk", "~!#$%&'*+/=?^_`{|}@a-b.c", "a@1.2"},
        {"", "a", "@b.de", "a@", "a@b", ".a@b.de", "a.@b.de", "a..b@c.de", "a b@c.de", "a@b..de",
         "a@-b.de", "a@b.de.", "\"a b\"@c.de", "a@[127.0.0.1]"});
  Check("ipv4", {"0.0.0.0", "255.255.255.255", "192.168.1.10"},
        {"256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.", "1.2.3.4 "});
  Check("ipv6",
        {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1::8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
         "1:2::4:5:6:7:8", "::ffff:192.168.0.1", "1:2:3:4:5:6:1.2.3.4", "1::1.2.3.4", "FE80::abcd",
         "1:2:3:4:5::1.2.3.4"},
        {"", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
         "12345::", "g::", ":1::", "1:", "::1.2.3", "::1.2.3.256", "1:2:3:4:5:6:7:1.2.3.4",
         "1.2.3.4::", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "fe80::a%eth1", "1::01.2.3.4"});
}

TEST(FormatTexts, Identifiers) {
  Check("uuid", {"2EB8AA08-aa98-11ea-b4aa-73b441d16380", "00000000-0000-0000-0000-000000000000"},
        {"", "2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638",
         "2eb8aa08-aa98-11ea-b4aa-73b441d16380 ", "{2eb8aa08-aa98-11ea-b4aa-73b441d16380}",
         "urn:uuid:2eb8aa08-aa98-11ea-b4aa-73b441d16380"});
  Check(
      "uri",
      {"http://a", "https://u:p@example.com:8042/over/there?name=x#nose", "urn:isbn:1",
       "file:///etc/passwd", "mailto:a@b.de", "http://[::1]:80/", "http://[v1.a:b]", "a:/",
       "a:%41"},
      {"", "a", "//a", "/a", "http:", ":a", "1a:b", "http://a b", "http://a/%4", "http://a/\"",
       "http://[::1", "http://[1]", "http://a:b", "http://ä", "a:b#c#d", "http://a/{b}", "a:b\\c"});
  Check("uri-reference",
        {"", "a", "/a", "//a/b", "?q", "#f", "a/b:c", "./a:b", "http://a", "a:", "../x"},
        {"a b", ":a", "\\\\a", "a#b#c", "/a%", "^"});
  Check("uri-template", {"", "http://a/{x}", "/{x,y*}{?q:30}{#f}", "{+x}é", "%41", "{%41}"},
        {"{", "}", "{}", "{x", "{x y}", "{x:0}", "{x:10000}", "a b", "<", "%4", "{-x}", "{x.y}"});
  Check("json-pointer", {"", "/", "/a/b", "/a~0b~1c", "//", "/é/😀"}, {"a", "/~", "/~2", "#/a"});
  Check("relative-json-pointer", {"0", "12", "1/a~0", "0#", "2/"},
        {"", "/a", "01", "-1", "0##", "1a"});
}

TEST(FormatTexts, KnowsWhatItCannotEnforce) {
  for (const char* format : {"regex", "iri", "iri-reference", "idn-email", "idn-hostname"}) {
    const Result<std::optional<TextSet>> set = FormatTexts(format);
    if (!EXPECT(!set.ok())) continue;
    EXPECT_EQ(set.error().code, ErrorCode::kInvalidGrammar);
    EXPECT_EQ(set.error().what, "the format " + std::string(format) +
                                    " cannot be enforced; leave it out or write a pattern");
  }
  for (const char* format : {"", "int32", "password", "color", "Date"}) {
    const Result<std::optional<TextSet>> set = FormatTexts(format);
    EXPECT(set.ok() && !set->has_value());
  }
}

}  // namespace
}  // namespace sentiric::grammar
