// ProgressLine: what a running load test shows on a terminal: one line, drawn again and again, and gone
// when the test is over. On anything else (a file, a pipe) it says once per phase what begins.
//
//   ProgressLine line(options, stderr);
//   Report report = run(options, &line);
//   line.clear();
#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include <simul/load/options.hpp>
#include <simul/load/run.hpp>

namespace simul::load {

class ProgressLine final : public Observer {
 public:
  ProgressLine(const Options& options, std::FILE* out);

  void progress(const Progress& progress) override;
  /// Removes it from the terminal.
  void clear();

 private:
  [[nodiscard]] std::string text_of(const Progress& progress) const;

  const Options& options_;
  std::FILE* out_;
  bool live_;
  bool drawn_ = false;
  std::optional<Progress::Phase> announced_;
};

}  // namespace simul::load
