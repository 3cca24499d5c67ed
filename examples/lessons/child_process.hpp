// ChildProcess: a function that runs in a process of its own. It ends with this object, and with the program.
//
//   ChildProcess server([&] { run(serve(std::move(listener), echo)); });
//   std::printf("%.1f MB\n", server.memory().own / 1e6);
//
// It forks, so it is made before the program has threads or a loop. Both sides keep what was open before.
#pragma once

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

class ChildProcess {
 public:
  template <typename Fn>
  explicit ChildProcess(Fn&& fn) {
    std::fflush(stdout);                 // else both would write what is in the buffer
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what it forks becomes ours when it ends
    pid_ = ::fork();
    if (pid_ < 0) {
      throw std::system_error(errno, std::generic_category(), "fork");
    }
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it ends with this program
      ::setpgid(0, 0);                     // what it forks belongs to its group
      run_and_exit(fn);
    }
    ::setpgid(pid_, pid_);  // whoever comes first
  }
  ~ChildProcess() {
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    while (::waitpid(-pid_, nullptr, 0) > 0) {  // its children, which are ours now
    }
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// What it and its children take. Pages that several processes share count in parts (PSS). `kernel`: page tables,
  /// and 16 KiB of stack for each thread, as on x86-64 and arm64. Sockets and the like aren't in it.
  struct Memory {
    long own = 0;
    long kernel = 0;
  };
  [[nodiscard]] Memory memory() const {
    Memory sum;
    for (const pid_t pid : all()) {
      const std::filesystem::path files = "/proc/" + std::to_string(pid);
      sum.own += number_in(files / "smaps_rollup", "Pss:") * 1024;
      sum.kernel += number_in(files / "status", "VmPTE:") * 1024 +
                    number_in(files / "status", "Threads:") * 16384;
    }
    return sum;
  }

  /// The processor time that it and its children have used, as far as these still live.
  [[nodiscard]] double processor_seconds() const {
    double seconds = 0;
    for (const pid_t pid : all()) {
      clockid_t clock = 0;
      timespec used{};
      if (::clock_getcpuclockid(pid, &clock) == 0 && ::clock_gettime(clock, &used) == 0) {
        seconds += static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
      }
    }
    return seconds;
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

  /// It and its children.
  [[nodiscard]] std::vector<pid_t> all() const {
    std::vector<pid_t> pids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const pid_t pid = std::atoi(entry.path().filename().c_str());
      if (pid > 0 && ::getpgid(pid) == pid_) {
        pids.push_back(pid);
      }
    }
    return pids;
  }

  /// What follows a word; 0 if the process has ended meanwhile.
  static long number_in(const std::filesystem::path& file, std::string_view name) {
    std::ifstream words(file);
    long number = 0;
    for (std::string word; words >> word;) {
      if (word == name) {
        words >> number;
        break;
      }
    }
    return number;
  }

  pid_t pid_;
};
