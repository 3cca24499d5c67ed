// What the programs that measure a runtime share: a list of figures, of which one is taken per run.
//
//   int main(int argc, char** argv) {
//     return bench::main(argc, argv, {{"nested_await", nested_await}, ...});   // prints one number
//   }
#pragma once

#include <cstdio>
#include <ctime>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>

namespace bench {

struct Figure {
  std::string_view name;
  double (*take)();
};

inline int main(int argc, char** argv, std::initializer_list<Figure> figures) {
  for (const Figure& figure : figures) {
    if (argc == 2 && figure.name == argv[1]) {
      std::printf("%.3f\n", figure.take());
      return 0;
    }
  }
  std::fprintf(stderr, "usage: %s FIGURE, one of:\n", argv[0]);
  for (const Figure& figure : figures) {
    std::fprintf(stderr, "  %.*s\n", static_cast<int>(figure.name.size()), figure.name.data());
  }
  return 2;
}

/// Nanoseconds since its construction, per operation: of this thread's CPU time, which a busy machine
/// changes least, or of real time.
class Stopwatch {
 public:
  explicit Stopwatch(clockid_t clock = CLOCK_THREAD_CPUTIME_ID) : clock_(clock), start_(now()) {}
  [[nodiscard]] double per(double operations) const { return (now() - start_) / operations; }

 private:
  [[nodiscard]] double now() const {
    timespec time{};
    clock_gettime(clock_, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
  }

  clockid_t clock_;
  double start_;
};

/// Resident memory of this process, in bytes.
inline double resident_bytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Pss:")) {
      return std::stod(line.substr(4)) * 1024;
    }
  }
  return 0;
}

}  // namespace bench
