// Runs every case in a child process; see canary.hpp. `test_canary NAME` runs one, in this process.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string_view>

#include "canary.hpp"

namespace {

constexpr unsigned kSecondsPerCase = 10;

void run_here(const canary::Case& test) {
  alarm(kSecondsPerCase);
  try {
    test.body();
  } catch (...) {
    canary::fail(test.name, 0, "an exception came out of the case");
  }
  if (canary::made != canary::destroyed) {
    std::fprintf(stderr, "  made %d objects, destroyed %d\n", canary::made, canary::destroyed);
    std::_Exit(1);
  }
}

bool passes(const canary::Case& test) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    run_here(test);
    std::exit(0);  // not _Exit: LeakSanitizer looks at exit
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (status == 0) return true;
  const bool hangs = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
  std::printf("FAILED (%s): %s\n", hangs ? "hangs" : (WIFSIGNALED(status) ? "crashes" : "wrong"),
              test.name);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  int passed = 0;
  int failed = 0;
  for (const canary::Case* test = canary::Case::first; test != nullptr; test = test->next) {
    if (argc > 1) {
      if (std::string_view{argv[1]} == test->name) {
        run_here(*test);
        return 0;
      }
    } else {
      ++(passes(*test) ? passed : failed);
    }
  }
  std::printf("%d of %d coroutine snippets work\n", passed, passed + failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
