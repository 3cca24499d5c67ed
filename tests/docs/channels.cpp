// The programs from which docs/runtime/channels.md is cut.
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

using namespace simul;
using namespace std::chrono_literals;

namespace {

template <typename Fn>
void run_virtual(Fn fn) {
  VirtualClock clock;
  Loop loop(clock);
  loop.run_until_complete(fn());
}

int handled = 0;

struct Job {
  int number;
};

Coro<> handle(const Job& job) {
  co_await sleep(1ms);
  handled += job.number;
}

// [workers]
Coro<> worker(Receiver<Job> jobs) {
  while (auto job = co_await jobs.recv()) {  // ends when the last sender is gone
    co_await handle(*job);
  }
}

Coro<> run_all(int count) {
  auto [sender, receiver] = channel<Job>(16);
  auto body = [&](TaskGroup& group) -> Coro<> {
    for (int i = 0; i < 4; ++i) {
      group.spawn(worker(receiver));
    }
    for (int i = 1; i <= count; ++i) {
      (void)co_await sender.send(Job{i});  // waits while 16 are waiting
    }
    sender.close();
  };
  co_await with_group(body);  // every job is done here
}
// [/workers]

// [keep]
Coro<bool> offer(const Sender<std::unique_ptr<Job>>& sender, std::unique_ptr<Job>& job) {
  auto attempt = [&]() -> Coro<bool> {
    const auto sent = co_await sender.send(std::move(job));
    co_return sent.has_value();
  };
  const auto taken = co_await move_on_after(10ms, attempt);
  co_return taken.value_or(false);  // false: closed or too slow, and `job` is still ours
}
// [/keep]

// [request]
struct Question {
  std::string text;
  OneshotSender<int> answer;
};

Coro<int> ask(const Sender<Question>& service, std::string text) {
  auto [answer, asked] = oneshot<int>();
  (void)co_await service.send({std::move(text), std::move(answer)});
  const auto number = co_await asked.recv();
  co_return number.value_or(-1);  // nobody answered: the sender was dropped
}
// [/request]

Coro<> serve_questions(Receiver<Question> questions) {
  while (auto question = co_await questions.recv()) {
    if (!question->text.empty() && !question->answer.closed()) {
      (void)question->answer.send(static_cast<int>(question->text.size()));
    }
  }
}

std::vector<std::string> screen;

// [broadcast]
Coro<> show_news(BroadcastReceiver<std::string> news) {
  while (auto item = co_await news.recv()) {
    if (item->missed > 0) {
      screen.push_back("(" + std::to_string(item->missed) + " missed)");
    }
    screen.push_back(item->value);
  }
}
// [/broadcast]

struct Settings {
  int limit;
};

int limit = 0;

// [watch]
Coro<> follow(WatchReceiver<Settings> settings) {
  limit = settings.get().limit;
  while (co_await settings.changed()) {
    limit = settings.get().limit;
  }
}
// [/watch]

}  // namespace

TEST_SUITE("docs: channels") {
  TEST_CASE("workers") {
    run_virtual([]() -> Coro<> { co_await run_all(100); });
    CHECK(handled == 5050);
  }

  TEST_CASE("keep") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = channel<std::unique_ptr<Job>>(1);
      auto first = std::make_unique<Job>(1);
      auto second = std::make_unique<Job>(2);
      CHECK(co_await offer(sender, first));
      CHECK(first == nullptr);
      CHECK_FALSE(co_await offer(sender, second));
      CHECK(second != nullptr);
      receiver = {};
      CHECK_FALSE(co_await offer(sender, second));
      CHECK(second != nullptr);
    });
  }

  TEST_CASE("request") {
    run_virtual([]() -> Coro<> {
      auto [service, questions] = channel<Question>(4);
      spawn(serve_questions(std::move(questions)));
      CHECK(co_await ask(service, "four") == 4);
      CHECK(co_await ask(service, "") == -1);
    });
  }

  TEST_CASE("broadcast") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = broadcast<std::string>(2);
      for (const char* item : {"a", "b", "c"}) {
        sender.send(item);
      }
      sender.close();
      co_await show_news(std::move(receiver));
    });
    CHECK(screen == std::vector<std::string>{"(1 missed)", "b", "c"});
  }

  TEST_CASE("watch") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = watch_channel(Settings{1});
      Task<> following = spawn(follow(receiver));
      co_await yield_now();
      CHECK(limit == 1);
      sender.send(Settings{2});
      sender.send(Settings{3});
      sender.close();
      co_await following;
    });
    CHECK(limit == 3);
  }
}
