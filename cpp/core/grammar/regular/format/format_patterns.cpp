// SPDX-License-Identifier: AGPL-3.0-only
#include "core/grammar/regular/format/format_patterns.h"

#include <algorithm>
#include <iterator>

namespace sentiric::grammar {
namespace {

using std::string;

string Group(const string& regex) { return "(?:" + regex + ")"; }
string Optional(const string& regex) { return Group(regex) + "?"; }
string Any(const string& regex) { return Group(regex) + "*"; }
string Times(const string& regex, int min, int max) {
  return Group(regex) + "{" + std::to_string(min) + "," + std::to_string(max) + "}";
}

const char kHex[] = "[0-9A-Fa-f]";

// RFC 3339, full-date, with the days that a month has: a leap year is divisible by 4, and by 400
// where it ends in 00.
string Date() {
  const string long_month = "(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])";
  const string short_month = "(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)";
  const string february = "02-(?:0[1-9]|1\\d|2[0-8])";
  const string leap_year =
      "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
  return Group("\\d{4}-(?:" + long_month + "|" + short_month + "|" + february + ")|" + leap_year +
               "-02-29");
}

// RFC 3339, full-time. The leap second of other offsets than zero is left out: it would have to
// carry hour and minute to the end.
string Time() {
  const string hour_minute = "(?:[01]\\d|2[0-3]):[0-5]\\d";
  return Group(hour_minute + ":[0-5]\\d(?:\\.\\d+)?(?:[Zz]|[+-]" + hour_minute + ")|" +
               "23:59:60(?:\\.\\d+)?(?:[Zz]|[+-]00:00)");
}

string DateTime() { return Date() + "[Tt]" + Time(); }

// RFC 3339, appendix A.
string Duration() {
  const string second = "\\d+S", minute = "\\d+M" + Optional(second);
  const string time = "T" + Group("\\d+H" + Optional(minute) + "|" + minute + "|" + second);
  const string day = "\\d+D", month = "\\d+M" + Optional(day);
  const string date = Group("\\d+Y" + Optional(month) + "|" + month + "|" + day) + Optional(time);
  return "P" + Group(date + "|" + time + "|\\d+W");
}

// RFC 1123, at most 63 characters. Hyphens in places 3 and 4 are reserved (RFC 5890, 2.3.1); what
// follows "xn--" must be valid Punycode, so it is left out.
string Label() {
  const string end = "[A-Za-z0-9]", inner = "[A-Za-z0-9-]";
  return end + Optional(end + "|" + inner + end + "|" + inner + inner + end + "|" + inner +
                        Group(end + inner + "|-" + end) + Times(inner, 0, 58) + end);
}

string Hostname() { return Label() + Any("\\." + Label()); }

// RFC 5321, Mailbox, without quoted local parts and address literals, with a domain of two labels.
string Email() {
  const string atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
  return atom + Any("\\." + atom) + "@" + Label() + Group("\\." + Label()) + "+";
}

string Ipv4() {
  const string byte = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
  return byte + "(?:\\." + byte + "){3}";
}

// RFC 3986, IPv6address: eight groups, the last two possibly as IPv4, or fewer and "::".
string Ipv6() {
  const string group = kHex + string("{1,4}");
  const string last_two = Group(group + ":" + group + "|" + Ipv4());
  string regex = Times(group + ":", 6, 6) + last_two;
  string left;
  for (int groups = 7; groups >= 0; --groups) {  // at most so many behind the "::"
    string right;
    if (groups >= 2) right = Times(group + ":", 0, groups - 2) + last_two + "|";
    regex += "|" + left + "::" + (groups >= 1 ? Optional(right + group) : "");
    left += left.empty() ? group : ":" + group;
  }
  return Group(regex);
}

// RFC 3986.
const char kUnreserved[] = "A-Za-z0-9._~-";
const char kSubDelimiters[] = "!$&'()*+,;=";

string UriChar(const string& more) {
  return Group(string("[") + more + kSubDelimiters + kUnreserved + "]|%" + kHex + kHex);
}

string AuthorityAndPath() {
  const string literal =
      "\\[" + Group(Ipv6() + "|[Vv]" + kHex + "+\\.[:" + kSubDelimiters + kUnreserved + "]+") +
      "\\]";
  return "//" + Optional(UriChar(":") + "*@") + Group(literal + "|" + UriChar("") + "*") +
         "(?::\\d*)?" + Any("/" + UriChar(":@") + "*");
}

string AbsolutePath() {
  return "/" + Optional(UriChar(":@") + "+" + Any("/" + UriChar(":@") + "*"));
}

string QueryAndFragment() {
  return Optional("\\?" + UriChar(":@/?") + "*") + Optional("#" + UriChar(":@/?") + "*");
}

string Scheme() { return "[A-Za-z][A-Za-z0-9+.-]*:"; }

string HierarchicalPart() {
  return AuthorityAndPath() + "|" + AbsolutePath() + "|" + UriChar(":@") + "+" +
         Any("/" + UriChar(":@") + "*");
}

// Behind the scheme, ajv-formats wants a character more.
string Uri() { return Scheme() + Group(HierarchicalPart()) + QueryAndFragment(); }

string UriReference() {
  const string no_scheme = UriChar("@") + "+" + Any("/" + UriChar(":@") + "*");
  return Group(Scheme() + Optional(HierarchicalPart()) + "|" + AuthorityAndPath() + "|" +
               AbsolutePath() + "|" + Optional(no_scheme)) +
         QueryAndFragment();
}

// RFC 6570, without dots in the names of variables.
string UriTemplate() {
  string literal = "[!#$&()*+,./:;=?@\\[\\]_~A-Za-z0-9-";
  literal += "\\u{A0}-\\u{D7FF}\\u{E000}-\\u{FDCF}\\u{FDF0}-\\u{FFEF}";
  for (char plane : string("123456789ABCDEF")) {
    literal += string("\\u{") + plane + "0000}-\\u{" + plane + "FFFD}";
  }
  literal += "\\u{100000}-\\u{10FFFD}]";
  const string pct = string("%") + kHex + kHex;
  const string variable = Group("[A-Za-z0-9_]|" + pct) + "+" + Optional(":[1-9]\\d{0,3}|\\*");
  return Any(literal + "|" + pct + "|\\{[+#./;?&=,!@|]?" + variable + Any("," + variable) + "\\}");
}

string JsonPointer() { return Any("/(?:[^~/]|~[01])*"); }  // RFC 6901

string RelativeJsonPointer() { return "(?:0|[1-9]\\d*)" + Group("#|" + JsonPointer()); }

string Uuid() {
  return Times(kHex, 8, 8) + Times("-" + Times(kHex, 4, 4), 3, 3) + "-" + Times(kHex, 12, 12);
}

struct Format {
  std::string_view name;
  string (*regex)();
  std::uint32_t max_length = kUnlimited;
};

constexpr Format kFormats[] = {
    {"date", Date},
    {"date-time", DateTime},
    {"duration", Duration},
    {"email", Email},
    {"hostname", Hostname, 253},
    {"ipv4", Ipv4},
    {"ipv6", Ipv6},
    {"json-pointer", JsonPointer},
    {"relative-json-pointer", RelativeJsonPointer},
    {"time", Time},
    {"uri", Uri},
    {"uri-reference", UriReference},
    {"uri-template", UriTemplate},
    {"uuid", Uuid},
};

}  // namespace

std::optional<FormatPattern> PatternOfFormat(std::string_view name) {
  const Format* format = std::find_if(std::begin(kFormats), std::end(kFormats),
                                      [&](const Format& x) { return x.name == name; });
  if (format == std::end(kFormats)) return std::nullopt;
  return FormatPattern{format->regex(), {0, format->max_length}};
}

}  // namespace sentiric::grammar
