// LoopGroup: a loop per thread, each running the same main coroutine. Tasks never move between them.
//
//   LoopGroup group(4);
//   group.run([&](Loop& loop, std::size_t index) -> Coro<> {
//     co_await serve(std::move(listeners[index]), echo);
//   });
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <simul/coro.hpp>
#include <simul/export.hpp>
#include <simul/loop.hpp>

namespace simul {

class SIMUL_EXPORT LoopGroup {
 public:
  using Main = std::function<Coro<>(Loop& loop, std::size_t index)>;

  /// `size` loops, at least one. Throws std::system_error.
  explicit LoopGroup(std::size_t size);
  ~LoopGroup();
  LoopGroup(const LoopGroup&) = delete;
  LoopGroup& operator=(const LoopGroup&) = delete;

  /// Runs `main` on every loop, the first on this thread, and returns when all have ended. The first
  /// exception cancels the other mains and is rethrown here; a main that somebody has cancelled counts
  /// as failed with TaskCancelled.
  void run(const Main& main);

  [[nodiscard]] std::size_t size() const noexcept { return loops_.size(); }
  /// For post() and spawn().
  [[nodiscard]] Loop& operator[](std::size_t index) noexcept { return *loops_[index]; }

 private:
  std::vector<std::unique_ptr<Loop>> loops_;
};

/// The processors that this process may use: the default number of loops.
[[nodiscard]] SIMUL_EXPORT std::size_t usable_processors() noexcept;

}  // namespace simul
