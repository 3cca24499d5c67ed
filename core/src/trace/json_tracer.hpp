// The steps and the waits, in the Trace Event Format of chrome://tracing, which https://ui.perfetto.dev reads
// as well. A row for each loop with its steps, and in each the coroutines; a row for each task with its waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <unordered_set>

#include "trace/tracer.hpp"

namespace simul::detail {

class JsonTracer final : public Tracer {
 public:
  JsonTracer(std::FILE* file, int number);
  /// Ends the list of events, to which all loops of the process have written.
  static void finish(std::FILE* file) noexcept;

  void loop_runs() override {}
  void step_begins(const TaskBase& task) override;
  void goes_on(const Leaf& leaf) override;
  void enters(const PromiseBase& coroutine) override;
  void waits(const PromiseBase& coroutine, const Leaf& leaf) override;
  void returns(const PromiseBase& coroutine) override;
  void step_ends(const TaskBase& task) override;
  void called_back(const Ready& callback) override;

 private:
  void begin(std::string_view name);
  void end_down_to(std::size_t depth);
  void event(char phase, std::string_view name, std::string_view more = {});

  std::FILE* file_;
  const int number_;
  const TaskBase* task_ = nullptr;
  std::size_t depth_ = 0;                           // of what has begun and not ended
  std::unordered_set<const PromiseBase*> entered_;  // in this step
};

}  // namespace simul::detail
