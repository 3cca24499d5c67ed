// ChildProcess: a function that runs in a process of its own. It ends with this object, and with the program.
//
//   ChildProcess server([&] { run(serve(std::move(listener), echo)); });
//   std::printf("%.1f MB\n", server.memory_bytes() / 1e6);
//
// It forks, so it is made before the program has threads or a loop. Both sides keep what was open before.
#pragma once

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <filesystem>
#include <string>
#include <system_error>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

class ChildProcess {
 public:
  template <typename Fn>
  explicit ChildProcess(Fn&& fn) {
    std::fflush(stdout);  // else both would write what is in the buffer
    pid_ = ::fork();
    if (pid_ < 0) {
      throw std::system_error(errno, std::generic_category(), "fork");
    }
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::setpgid(0, 0);  // what it forks belongs to its group
      run_and_exit(fn);
    }
    ::setpgid(pid_, pid_);  // whoever comes first
  }
  ~ChildProcess() { stop(); }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }

  /// The memory of it and its children: pages that several processes share count in parts (PSS).
  /// The kernel's own memory (stacks, page tables, sockets) isn't in it.
  [[nodiscard]] long memory_bytes() const {
    long kilobytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const pid_t pid = std::atoi(entry.path().filename().c_str());
      if (pid > 0 && ::getpgid(pid) == pid_) {
        kilobytes += pss_kilobytes(entry.path() / "smaps_rollup");
      }
    }
    return kilobytes * 1024;
  }

  /// Ends it and its children, and gives the processor time that it has used, in seconds.
  double stop() {
    if (pid_ == 0) {
      return 0;
    }
    rusage used{};
    ::kill(-pid_, SIGKILL);
    ::wait4(std::exchange(pid_, 0), nullptr, 0, &used);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
  }

 private:
  template <typename Fn>
  [[noreturn]] static void run_and_exit(Fn& fn) {
    try {
      fn();
      std::fflush(stdout);
      ::_exit(EXIT_SUCCESS);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "child process: %s\n", error.what());
      ::_exit(EXIT_FAILURE);
    }
  }

  static long pss_kilobytes(const std::filesystem::path& file) {
    std::ifstream lines(file);
    for (std::string word; lines >> word;) {
      if (word == "Pss:") {
        long kilobytes = 0;
        lines >> kilobytes;
        return kilobytes;
      }
    }
    return 0;  // it has ended meanwhile
  }

  pid_t pid_ = 0;
};
