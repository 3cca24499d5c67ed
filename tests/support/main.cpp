// The main of every test executable: doctest's, plus a guard that names a test that hangs.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <cstdlib>

#include <doctest/doctest.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
/// An exception that has crossed threads dies with its last exception_ptr, whose counter is in libstdc++.so,
/// where ThreadSanitizer can't see it.
extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n"
         "race:std::logic_error::~logic_error\n"
         "race:std::runtime_error::~runtime_error\n";
}
#endif
#endif

namespace {

char running[256];

// abort() makes doctest report the current case with all its assertions so far.
void on_alarm(int) {
  static const char kMessage[] = "\ntest hangs: ";
  (void)!write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  (void)!write(STDERR_FILENO, running, strlen(running));
  (void)!write(STDERR_FILENO, "\n", 1);
  abort();
}

unsigned seconds_per_case() {
  const char* text = std::getenv("SIMUL_TEST_TIMEOUT");
  return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : 60U;
}

// ctest's timeout kills the whole executable without a word; this one says who.
struct HangGuard : doctest::IReporter {
  explicit HangGuard(const doctest::ContextOptions&) { signal(SIGALRM, on_alarm); }

  void test_case_start(const doctest::TestCaseData& test) override {
    strncpy(running, test.m_name, sizeof running - 1);
    alarm(seconds_per_case());
  }
  void test_case_end(const doctest::CurrentTestCaseStats&) override { alarm(0); }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

}  // namespace

REGISTER_LISTENER("hang_guard", 1, HangGuard);
