// wait and as_completed: looking at tasks without owning them
//
// The tutorial "learn-asyncio", chapter 4. wait() returns when the first task, the first failed one, or all have
// ended, or when a time is up; it cancels nothing and throws no failure of theirs. as_completed() gives them one by
// one as they end.
//
// asyncio's wait gives two sets of tasks, in no order; this one gives their places, ascending. asyncio's as_completed (up
// to Python 3.12) gives coroutines of which you can't tell whose results they are; this one gives the tasks.
#include <cstdio>
#include <stdexcept>
#include <vector>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

#include "arguments.hpp"

using namespace simul;
using namespace std::chrono_literals;

void print(const char* when, const WaitResult& result) {
  std::printf("%s:\n  done:", when);
  for (std::size_t place : result.done) {
    std::printf(" %zu", place);
  }
  std::printf("; pending:");
  for (std::size_t place : result.pending) {
    std::printf(" %zu", place);
  }
  std::puts("");
}

// [tasks]
Coro<int> answer(int number, Duration takes) {
  co_await sleep(takes);
  if (number == 2) {
    throw std::runtime_error("no answer");
  }
  co_return number;
}

std::vector<Task<int>> four_tasks() {
  std::vector<Task<int>> tasks;
  tasks.push_back(spawn(answer(0, 4s)));
  tasks.push_back(spawn(answer(1, 1s)));
  tasks.push_back(spawn(answer(2, 3s)));
  tasks.push_back(spawn(answer(3, 2s)));
  return tasks;
}
// [/tasks]

// [wait]
Coro<> waiting() {
  std::vector<Task<int>> tasks = four_tasks();
  print("After half a second", co_await wait(tasks, WaitFor::all_completed, 500ms));
  print("When the first has ended", co_await wait(tasks, WaitFor::first_completed));
  print("When one has failed", co_await wait(tasks, WaitFor::first_exception));
  print("When all have ended", co_await wait(tasks));
  try {
    co_await tasks[2];  // the failure is its task's, and comes with its result
  } catch (const std::exception& error) {
    std::printf("Task 2 threw: %s\n", error.what());
  }
}
// [/wait]

// [as_completed]
Coro<> one_by_one() {
  std::puts("One by one, as they end:");
  std::vector<Task<int>> tasks = four_tasks();
  auto finished = as_completed(tasks);
  while (Task<int>* task = co_await finished.next()) {
    const auto place = task - tasks.data();
    if (task->state() == TaskState::failed) {
      std::printf("  task %td failed: %s\n", place, describe(task->exception()).c_str());
    } else {
      std::printf("  task %td: %d\n", place, task->result());
    }
  }
}
// [/as_completed]

int main(int argc, char** argv) {
  expect_no_arguments(argc, argv);
  VirtualClock clock;
  Loop loop(clock);
  loop.run_until_complete(waiting());
  loop.run_until_complete(one_by_one());
}
