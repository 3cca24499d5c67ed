// Tracer: is told each hand-over of control on a loop: from the loop to a task's step, from coroutine to
// coroutine, to what is waited for, and back.
//
// SIMUL_TRACE=handoff prints them, indented; `long` tells them as a story, with the queue's content; `json`
// writes them for chrome://tracing and https://ui.perfetto.dev. `:FILE` behind it says where to.
#pragma once

#include <memory>

#include <simul/export.hpp>
#include <simul/loop.hpp>

namespace simul::detail {

class Tracer {
 public:
  virtual ~Tracer() = default;
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  /// The one that SIMUL_TRACE asks for; null if it isn't set, or not to be understood, which is logged.
  static std::unique_ptr<Tracer> from_environment(const Loop& loop);

  /// The program gives control to the loop.
  virtual void loop_runs() = 0;
  virtual void step_begins(const TaskBase& task) = 0;
  /// The await that ends, because what it waited for is there.
  virtual void goes_on(const Leaf& leaf) = 0;
  /// Control goes to this coroutine: it begins, or goes on.
  virtual void enters(const PromiseBase& coroutine) = 0;
  /// It stands at an await that has to wait.
  virtual void waits(const PromiseBase& coroutine, const Leaf& leaf) = 0;
  /// It has come to its end.
  virtual void returns(const PromiseBase& coroutine) = 0;
  virtual void step_ends(const TaskBase& task) = 0;
  /// Something else than a task had its turn.
  virtual void called_back(const Ready& callback) = 0;

 protected:
  Tracer() = default;
};

}  // namespace simul::detail
