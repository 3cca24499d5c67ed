#include <simul/oneshot.hpp>

#include <memory>
#include <utility>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

TEST_SUITE("oneshot") {
  TEST_CASE("one item, whether the receiver waits already or asks later") {
    run_virtual([]() -> Coro<> {
      for (const bool waits : {false, true}) {
        auto [sender, receiver] = oneshot<std::unique_ptr<int>>();
        Task<int> asking = spawn(
            [](Receiver<std::unique_ptr<int>> from) -> Coro<int> {
              auto item = co_await from.recv();
              CHECK((co_await from.recv()).error() == Errc::closed);
              co_return **item;
            },
            std::move(receiver));
        if (waits) {
          co_await settle();
        }
        CHECK(sender);
        CHECK(sender.send(std::make_unique<int>(7)).has_value());
        CHECK_FALSE(sender);
        CHECK(co_await asking == 7);
      }
    });
  }

  TEST_CASE("a sender that is dropped tells the receiver") {
    run_virtual([]() -> Coro<> {
      auto [sender, receiver] = oneshot<int>();
      CHECK(receiver.try_recv().error() == Errc::would_block);
      Task<> dropping =
          spawn([](OneshotSender<int>) -> Coro<> { co_await sleep(1s); }, std::move(sender));
      CHECK((co_await receiver.recv()).error() == Errc::closed);
    });
  }

  TEST_CASE("the sender sees that the receiver is gone, and keeps its item") {
    auto [sender, receiver] = oneshot<std::unique_ptr<int>>();
    CHECK_FALSE(sender.closed());
    receiver = {};
    CHECK(sender.closed());
    auto item = std::make_unique<int>(1);
    CHECK(sender.send(std::move(item)).error() == Errc::closed);
    CHECK(item != nullptr);  // NOLINT(bugprone-use-after-move): the promise
  }

  TEST_CASE("an item that nobody asks for goes with the receiver") {
    int alive = 0;
    auto [sender, receiver] = oneshot<Witness>();
    CHECK(sender.send(Witness(alive)).has_value());
    CHECK(alive == 1);
    receiver = {};
    CHECK(alive == 0);
  }

  TEST_CASE("cut anywhere, the answer is either given or still there") {
    cancel_everywhere([](Cut& cut) -> Coro<> {
      auto [sender, receiver] = oneshot<int>();
      Task<> answering = spawn(
          [](OneshotSender<int> to) -> Coro<> {
            co_await sleep(1s);
            CHECK(to.send(7).has_value());
          },
          std::move(sender));
      int got = 0;
      co_await cut.run([&]() -> Coro<> { got = *co_await receiver.recv(); });
      co_await answering;
      const auto left = receiver.try_recv();
      CHECK(got + left.value_or(0) == 7);
      CHECK(left.has_value() == (got == 0));
    });
  }
}
