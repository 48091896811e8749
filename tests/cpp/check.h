// SPDX-License-Identifier: AGPL-3.0-only
// A test framework in one header: TEST(suite, name) { ... } with EXPECT and EXPECT_EQ, which
// continue, and ASSERT, which ends the test. check_main.cpp is linked into each executable.
//
//   tests [filter]   runs the tests whose "suite.name" contains the filter
#pragma once

#include <cstdio>
#include <exception>
#include <functional>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace check {

struct Test {
  std::string name;
  std::function<void()> body;
};
inline std::vector<Test>& Tests() {
  static std::vector<Test> tests;
  return tests;
}
inline int& Failures() {  // of the running test
  static int failures = 0;
  return failures;
}
struct Registration {
  Registration(const char* suite, const char* name, void (*body)()) {
    Tests().push_back({std::string(suite) + "." + name, body});
  }
};

template <typename T>
auto Show(const T& value, int) -> decltype(std::declval<std::ostream&>() << value, std::string()) {
  std::ostringstream out;
  out << std::boolalpha << value;
  return out.str();
}
template <typename T>
std::string Show(const T& value, long) {
  if constexpr (std::is_enum_v<T>) return std::to_string(static_cast<long long>(value));
  return "(" + std::to_string(sizeof(value)) + " bytes)";
}

inline bool Fail(const char* file, int line, const std::string& what) {
  ++Failures();
  std::printf("  %s:%d: %s\n", file, line, what.c_str());
  return false;
}
template <typename A, typename B>
bool Equal(const char* file, int line, const char* text, const A& a, const B& b) {
  return a == b ||
         Fail(file, line,
              std::string(text) + "\n    left:  " + Show(a, 0) + "\n    right: " + Show(b, 0));
}

inline int Main(int argc, char** argv) {
  int passed = 0, failed = 0;
  for (const Test& test : Tests()) {
    if (argc > 1 && test.name.find(argv[1]) == std::string::npos) continue;
    Failures() = 0;
    try {
      test.body();
    } catch (const std::exception& error) {
      Fail(test.name.c_str(), 0, std::string("exception: ") + error.what());
    }
    if (Failures() > 0) std::printf("FAILED %s\n", test.name.c_str());
    ++(Failures() > 0 ? failed : passed);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed > 0 || passed == 0 ? 1 : 0;
}

}  // namespace check

#define TEST(suite, name)                                                                     \
  static void suite##_##name();                                                               \
  static const check::Registration register_##suite##_##name(#suite, #name, &suite##_##name); \
  static void suite##_##name()
#define EXPECT(...) \
  (static_cast<bool>(__VA_ARGS__) || check::Fail(__FILE__, __LINE__, "EXPECT(" #__VA_ARGS__ ")"))
#define EXPECT_EQ(a, b) check::Equal(__FILE__, __LINE__, "EXPECT_EQ(" #a ", " #b ")", (a), (b))
#define ASSERT(...)                   \
  do {                                \
    if (!EXPECT(__VA_ARGS__)) return; \
  } while (false)
