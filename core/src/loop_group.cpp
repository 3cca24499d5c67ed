#include <simul/loop_group.hpp>

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <simul/cancel_scope.hpp>
#include <simul/cancelled.hpp>
#include <simul/sleep.hpp>

namespace simul {
namespace detail {
namespace {

/// What the mains of one run share.
struct GroupRun {
  explicit GroupRun(std::size_t loops) : scopes(loops, nullptr), running(loops) {}

  std::vector<CancelScope*> scopes;  // each touched on its own loop only
  std::atomic<std::size_t> running;
  std::mutex mutex;
  std::exception_ptr first_failure;
};

/// Cancels what every loop has registered in the run, but for `except`.
void cancel_all(const std::shared_ptr<GroupRun>& run, LoopGroup& group, const char* reason,
                std::optional<std::size_t> except = {}) {
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (i == except) {
      continue;
    }
    group[i].post([run, i, reason] {
      if (run->scopes[i] != nullptr) {
        run->scopes[i]->cancel(reason);
      }
    });
  }
}

void fail(const std::shared_ptr<GroupRun>& run, LoopGroup& group, std::size_t index,
          std::exception_ptr failure) {
  {
    const std::lock_guard lock(run->mutex);
    if (run->first_failure) {
      return;
    }
    run->first_failure = std::move(failure);
  }
  cancel_all(run, group, "another loop failed", index);
}

/// A loop whose main has ended goes on until all have: others may wait for what it runs.
Coro<> wait_for_others(const std::shared_ptr<GroupRun>& run, LoopGroup& group, std::size_t index) {
  if (run->running.fetch_sub(1) == 1) {
    cancel_all(run, group, "all loops have ended");
    co_return;
  }
  auto wait = [&](CancelScope& scope) -> Coro<> {
    run->scopes[index] = &scope;
    co_await sleep_until(kNever);
  };
  co_await with_scope(wait);
  run->scopes[index] = nullptr;
}

Coro<> guarded(const std::shared_ptr<GroupRun>& run, LoopGroup& group, const LoopGroup::Main& main,
               std::size_t index) {
  auto body = [&](CancelScope& scope) -> Coro<> {
    run->scopes[index] = &scope;
    co_await main(group[index], index);
  };
  std::exception_ptr failure;
  try {
    co_await with_scope(body);
  } catch (const Cancelled& cancelled) {  // not by us: somebody has cancelled the main
    failure = std::make_exception_ptr(TaskCancelled("cancelled: " + cancelled.reason()));
  } catch (...) {
    failure = std::current_exception();
  }
  run->scopes[index] = nullptr;
  if (failure) {
    fail(run, group, index, failure);
  }
  auto wait = [&] { return wait_for_others(run, group, index); };
  co_await shielded(Duration::max(), wait);
}

}  // namespace
}  // namespace detail

LoopGroup::LoopGroup(std::size_t size) {
  for (std::size_t i = 0; i < std::max<std::size_t>(size, 1); ++i) {
    loops_.push_back(std::make_unique<Loop>());
  }
}

LoopGroup::~LoopGroup() = default;

void LoopGroup::run(const Main& main) {
  const auto run = std::make_shared<detail::GroupRun>(size());
  auto run_one = [&](std::size_t index) {
    loops_[index]->run_until_complete(detail::guarded(run, *this, main, index));
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < size(); ++i) {
      threads.emplace_back(run_one, i);
    }
    run_one(0);
  }
  if (run->first_failure) {
    std::rethrow_exception(run->first_failure);
  }
}

std::size_t usable_processors() noexcept {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) {
    return std::max(1u, std::thread::hardware_concurrency());
  }
  return static_cast<std::size_t>(std::max(CPU_COUNT(&set), 1));
}

}  // namespace simul
